// Keeps the composer above a phone's keyboard where the browser does not do it itself.
import { Controller } from "@hotwired/stimulus";

const KEYBOARD = 120; // px: less than this is a browser's bar, not a keyboard

export default class extends Controller {
  connect() {
    visualViewport?.addEventListener("resize", this.#fit);
  }

  disconnect() {
    visualViewport?.removeEventListener("resize", this.#fit);
  }

  #fit = () => {
    const { height, scale } = visualViewport;
    const isOpen = scale === 1 && window.innerHeight - height > KEYBOARD;
    const shell = this.element.closest(".shell");
    if (isOpen) shell.style.setProperty("height", `${height}px`);
    else shell.style.removeProperty("height");
    if (isOpen) window.scrollTo(0, 0);
  };
}
