// Tells the server that a question is to be expected: an old conversation is looked at, or somebody begins to write in it.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { whenIdle } from "couach/lib/idle";
import { ReadingAhead } from "couach/lib/reading_ahead";

export default class extends Controller {
  static values = { conversation: String };

  connect() {
    this.ahead = new ReadingAhead((conversation) => this.#tell(conversation));
    this.ready(); // the composer took the focus before this was here
    this.unseen = true;
    this.seen();
  }

  disconnect() {
    this.callOff?.();
  }

  // Once: when the page is first in sight, and has been painted.
  seen() {
    if (!this.unseen || document.visibilityState !== "visible") return;
    this.unseen = false;
    this.callOff = whenIdle(() => this.ahead.opened(this.conversationValue, this.#busy));
  }

  ready() {
    this.ahead.ready();
  }

  typed() {
    this.ahead.typed(this.conversationValue, this.#busy);
  }

  moved({ detail: { id } }) {
    this.conversationValue = id;
    this.ready();
  }

  // Nobody asked for it, so nobody is told when it fails.
  #tell(conversation) {
    request(`/api/conversations/${conversation}/prefill`, { method: "POST" }).catch(() => {});
  }

  get #busy() {
    return this.element.querySelector(".answer[data-running]") !== null;
  }
}
