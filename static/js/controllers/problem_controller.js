// The notice above the composer: why the last question did not leave, and the way to log in again when that is the reason.
import { Controller } from "@hotwired/stimulus";
import { announce } from "couach/lib/notices";
import { needsLogin, sentence } from "couach/lib/problems";

export default class extends Controller {
  static targets = ["text", "login"];

  show(error) {
    this.textTarget.textContent = sentence(error);
    this.loginTarget.hidden = !needsLogin(error);
    this.loginTarget.href = `/login?next=${encodeURIComponent(location.pathname)}`;
    this.element.hidden = false;
    announce(sentence(error));
  }

  hide() {
    this.element.hidden = true;
  }
}
