// Decides when a question is to be expected in a conversation, so that the engine may read what came before: an old one
// is looked at, or somebody begins to write in it.
import { request } from "./http.js";
import { whenIdle } from "./idle.js";
import { listen } from "./listen.js";

const PAUSE = 60_000; // ms between two notices about one conversation

export class ReadingAhead {
  #told = new Map(); // conversation → when
  #begins = false; // the next letter is the first one of a text

  // tell(conversation): called when a question is to be expected there.
  constructor(tell, now = () => Date.now()) {
    Object.assign(this, { tell, now });
  }

  opened(conversation, busy) {
    this.#expect(conversation, busy);
  }

  // The person came to the composer, or a text has left it.
  ready() {
    this.#begins = true;
  }

  // While an answer is written the engine reads the conversation anyway: what is typed then is still to begin.
  typed(conversation, busy) {
    if (!this.#begins || busy) return;
    this.#begins = false;
    this.#expect(conversation, busy);
  }

  #expect(conversation, busy) {
    const now = this.now();
    if (!conversation || busy || now - (this.#told.get(conversation) ?? -Infinity) < PAUSE) return;
    this.#told.set(conversation, now);
    this.tell(conversation);
  }
}

// box: where one writes. Nobody asked for it, so nobody is told when it fails.
export function readAhead(conversation, box) {
  const tell = (id) => request(`/api/conversations/${id}/prefill`, { method: "POST" }).catch(() => {});
  const ahead = new ReadingAhead(tell);
  // With documents beside the draft more than the history is to be read: that is asked for with them.
  const isExpected = () => conversation.isSaved && !conversation.isEmpty && !conversation.draft.documents.all.length;
  const place = () => [isExpected() ? conversation.id : "", conversation.isBusy];
  ahead.ready(); // the box may have the focus already
  box.addEventListener("focus", () => ahead.ready());
  box.addEventListener("input", () => ahead.typed(...place()));
  listen(conversation, { saved: () => ahead.ready() });

  // Once: when the page is first in sight, and has been painted.
  const open = () => {
    if (document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", open);
    whenIdle(() => ahead.opened(...place()));
  };
  document.addEventListener("visibilitychange", open);
  open();
}
