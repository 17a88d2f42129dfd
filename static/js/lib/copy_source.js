// What a copy button copies: what the nearest element around it that has something to copy offers.
const offers = new WeakMap(); // element → () => { text, html, element }

export const offerCopy = (element, offer) => offers.set(element, offer);

// A block of code copies itself, an address itself.
export function sourceFor(button) {
  const code = button.closest(".code")?.querySelector("code");
  if (code) return { text: code.textContent, element: code };
  const address = button.closest("tr, li")?.querySelector("[data-address]");
  if (address) return { text: address.dataset.address, element: address };
  let place = button;
  while (!offers.has(place)) place = place.parentElement;
  return offers.get(place)();
}
