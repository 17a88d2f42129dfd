// Dialogs over the page, opened by name from wherever something asks for one.
const dialogs = new EventTarget();

export const openDialog = (name, detail = {}) => dialogs.dispatchEvent(new CustomEvent(name, { detail }));

// open(detail): what a dialog does when it is asked for; returns what ends the listening.
export function whenAskedFor(name, open) {
  const listener = ({ detail }) => open(detail);
  dialogs.addEventListener(name, listener);
  return () => dialogs.removeEventListener(name, listener);
}

// A button opens the dialog that its data-dialog names.
export function openByButtons(page = document) {
  page.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-dialog]");
    if (button) openDialog(button.dataset.dialog);
  });
}

// The dialog that makes the rest of the page inert while it is open: what is said elsewhere reaches nobody then.
export const openModal = () => [...document.querySelectorAll("dialog:modal")].at(-1) ?? null;
