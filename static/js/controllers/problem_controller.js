// The notice above the composer: why the last question did not leave, and a fresh page when that would help.
import { Controller } from "@hotwired/stimulus";
import { announce } from "couach/lib/notices";
import { needsNewPage, sentence } from "couach/lib/problems";

export default class extends Controller {
  static targets = ["text", "reload"];

  show(error) {
    this.textTarget.textContent = sentence(error);
    this.reloadTarget.hidden = !needsNewPage(error);
    this.reloadTarget.href = location.pathname; // leads to the log-in and back where the session has ended; the draft is kept
    this.element.hidden = false;
    announce(sentence(error));
  }

  hide() {
    this.element.hidden = true;
  }
}
