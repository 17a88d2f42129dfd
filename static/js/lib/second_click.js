// The second click of a double click is for what the first one was on: not for what stood under a menu or dialog that it closed.
const layerOf = (element) => element.closest?.("dialog, [popover]") ?? null;
const isShown = (element) => element.isConnected && element.checkVisibility();

export function guardSecondClicks(page = window) {
  let first = null;
  const isStray = ({ detail: clicks, target }) =>
    clicks > 1 && first !== null && (layerOf(target) !== layerOf(first) || !isOpen(layerOf(first)));

  page.addEventListener("mousedown", (event) => {
    if (event.detail < 2) first = event.target;
    // What a click hid has given its focus to something, which keeps it.
    else if (isStray(event) || (first && !isShown(first))) event.preventDefault();
  }, true);
  page.addEventListener("click", (event) => {
    if (!isStray(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}

const isOpen = (layer) => layer === null || layer.matches("[open], :popover-open");
