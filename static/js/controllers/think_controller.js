// The thinking switch: there when the chosen model can think, off until asked for.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["button", "input"];

  allow({ detail: { thinking } }) {
    this.buttonTarget.hidden = !thinking;
    if (!thinking) this.#set(false);
  }

  toggle() {
    this.#set(this.inputTarget.value !== "true");
  }

  #set(on) {
    this.inputTarget.value = String(on);
    this.buttonTarget.setAttribute("aria-pressed", String(on));
  }
}
