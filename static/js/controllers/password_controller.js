// Shows or hides what is typed in a password field.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["input", "button", "shown", "hidden"];

  connect() {
    this.buttonTarget.hidden = false;
  }

  disconnect() {
    this.#reveal(false);
    this.buttonTarget.hidden = true;
  }

  toggle() {
    this.#reveal(this.inputTarget.type === "password");
  }

  #reveal(visible) {
    this.inputTarget.type = visible ? "text" : "password";
    this.buttonTarget.setAttribute("aria-pressed", String(visible));
    this.shownTarget.hidden = visible;
    this.hiddenTarget.hidden = !visible;
  }
}
