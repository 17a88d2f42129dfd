// A form that leads back to this page leads to its address of now: it may have changed since the server wrote the form.
export function keepReturnAddress() {
  addEventListener("submit", ({ target }) => {
    const next = target.querySelector("input[data-return-address]");
    if (next) next.value = location.pathname + location.search;
  }, true);
}
