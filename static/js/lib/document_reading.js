// Has the engine read the documents beside the draft while the question is being typed, and follows how far that is.
import { request } from "./http.js";
import { listen } from "./listen.js";

const LOOK = 2000; // ms between two looks
const LATER = 5000; // ms: the engine works for somebody
const GOES_ON = { started: LOOK, reading: LOOK, busy: LATER };

export class DocumentReading {
  #wanted = ""; // the files, and the model that is to read them
  #timer = 0;

  // tell(state): "reading", "warm" (it will not be read again), or "" (nothing is read ahead).
  constructor(conversation, tell, ask = request) {
    Object.assign(this, { conversation, tell, ask });
  }

  // The documents, the model or what is being written are others.
  update() {
    const { draft: { documents }, model, needsPassages, isBlind, isBusy } = this.conversation;
    const isWanted = documents.all.length > 0 && documents.areReady && !needsPassages && !isBlind && !isBusy;
    const wanted = isWanted ? JSON.stringify({ files: documents.all.map(({ id }) => id), model: model || undefined }) : "";
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    clearTimeout(this.#timer);
    this.tell("");
    if (wanted) this.#read(wanted);
  }

  // Nobody asked for it, so nobody is told when it fails.
  async #read(wanted) {
    try {
      const id = await this.conversation.prepare();
      const { prefill } = await this.ask(`/api/conversations/${id}/prefill`, { method: "POST", body: JSON.parse(wanted) });
      if (wanted !== this.#wanted) return;
      this.tell(prefill === "warm" ? "warm" : prefill in GOES_ON ? "reading" : "");
      if (prefill in GOES_ON) this.#timer = setTimeout(() => this.#read(wanted), GOES_ON[prefill]);
    } catch {
      if (wanted === this.#wanted) this.tell("");
    }
  }
}

export function readDocuments(conversation) {
  const reading = new DocumentReading(conversation, (state) => conversation.tellReading(state));
  const update = () => reading.update();
  listen(conversation.draft.documents, { list: update });
  listen(conversation, { choice: update, activity: update });
  update();
}
