// The keys of the chat: new conversation, stop, back to writing, to the last answer, which can be copied.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["text", "answer", "stop"];
  static values = { home: String };

  // Escape belongs first to what is open on top of the page.
  stop(event) {
    const isTaken = event.defaultPrevented || document.querySelector(":popover-open, dialog[open], .shell.is-open");
    if (!isTaken && !this.stopTarget.hidden) this.stopTarget.click();
  }

  begin(event) {
    event.preventDefault();
    location.assign(this.homeValue);
  }

  write() {
    this.textTarget.focus();
  }

  lastAnswer(event) {
    if (!this.answerTargets.length) return;
    event.preventDefault();
    this.answerTargets.at(-1).focus();
  }

  // What is still being written is no answer yet.
  copyAnswer(event) {
    event.preventDefault();
    const answer = this.answerTargets.findLast((each) => !each.hasAttribute("data-running"));
    answer?.querySelector("[data-part=copy]:not([hidden])")?.click();
  }
}
