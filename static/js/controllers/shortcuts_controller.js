// The keys of the chat: new conversation, stop, back to writing, to the last answer, which can be copied.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { focusMessageBox } from "../lib/message_box.js";
import { articleOf } from "../lib/turns.js";

export default class extends Controller {
  static values = { home: String };

  // Escape belongs first to what is open on top of the page.
  stop(event) {
    const isTaken = event.defaultPrevented || document.querySelector(":popover-open, dialog[open], .shell.is-open");
    if (isTaken || !conversation.isBusy) return;
    conversation.stop();
    focusMessageBox();
  }

  begin(event) {
    event.preventDefault();
    location.assign(this.homeValue);
  }

  write() {
    focusMessageBox();
  }

  lastAnswer(event) {
    const last = conversation.messages.findLast(({ run }) => run);
    if (!last) return;
    event.preventDefault();
    articleOf(last).focus();
  }

  // What is still being written is no answer yet.
  copyAnswer(event) {
    event.preventDefault();
    const answer = conversation.messages.findLast(({ run }) => run && !run.state.active);
    if (answer) articleOf(answer).querySelector("[data-part=copy]:not([hidden])")?.click();
  }
}
