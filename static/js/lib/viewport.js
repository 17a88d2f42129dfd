// Keeps the composer above a phone's keyboard where the browser does not do it itself.
const KEYBOARD = 120; // px: less than this is a browser's bar, not a keyboard

export function fitAboveKeyboard(shell) {
  window.visualViewport?.addEventListener("resize", () => {
    const { height, scale } = window.visualViewport;
    const isOpen = scale === 1 && window.innerHeight - height > KEYBOARD;
    if (isOpen) shell.style.setProperty("height", `${height}px`);
    else shell.style.removeProperty("height");
    if (isOpen) window.scrollTo(0, 0);
  });
}
