// Draws the line above the first message that the model still reads, when the oldest ones no longer fit.
import { Controller } from "@hotwired/stimulus";
import { tn } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["list", "template"];

  draw({ detail: { count, first_read: firstRead } }) {
    this.listTarget.querySelector(".left-out")?.remove();
    const line = this.templateTarget.content.firstElementChild.cloneNode(true);
    line.querySelector("[data-part=words]").textContent = tn("left_out", count);
    this.listTarget.querySelector(`[data-message-id="${firstRead}"]`)?.before(line);
  }
}
