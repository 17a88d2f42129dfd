// A button that shows and hides what it names; hidden content is out of the reading order.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["button", "panel"];

  toggle() {
    const open = this.buttonTarget.getAttribute("aria-expanded") !== "true";
    this.buttonTarget.setAttribute("aria-expanded", String(open));
    this.panelTarget.hidden = !open;
  }
}
