// A question written while an answer runs: kept across reloads, shared by the tabs of its conversation, and taken once.
// Event: "change".
const NOTHING = { content: "", documents: [], passages: [] };

export class QueuedMessage extends EventTarget {
  text = "";
  documents = [];
  passages = []; // numbered as they will be cited
  isKept = true; // it will be there after a reload
  #store;
  #conversation;

  constructor(store, conversation) {
    super();
    this.#store = store;
    this.#conversation = conversation;
    this.#load();
  }

  add({ content, documents = [], passages = [] }) {
    this.#set({
      content: [this.text, content].filter(Boolean).join("\n\n"),
      documents: withoutTwins([...this.documents, ...documents]),
      passages: withoutTwins([...this.passages, ...passages]).map((passage, index) => ({ ...passage, number: index + 1 })),
    });
    this.#keep();
  }

  // What waited, unless another tab has taken it. Two that take it at the same moment give it the same id: the server
  // then answers once.
  take() {
    const { text: content, documents, passages } = this;
    const isMine = this.#store.read(this.#key) === content;
    const id = `next-${this.#store.writtenAt(this.#key)}`;
    if (isMine) this.#store.clear(this.#key);
    this.#set(NOTHING);
    this.#tell();
    return { ...(isMine ? { content, documents, passages } : NOTHING), id };
  }

  // The conversation has its id now.
  moveTo(conversation) {
    if (this.#conversation === conversation) return;
    this.#store.clear(this.#key);
    this.#conversation = conversation;
    this.#keep();
  }

  // Another tab with the same conversation wrote it, took it or gave it up. A page without one shares nothing.
  reread() {
    if (!this.#conversation) return;
    this.#load();
    this.#tell();
  }

  #keep() {
    this.isKept = this.#store.write(this.#key, this.text, { documents: this.documents, passages: this.passages });
    this.#tell();
  }

  #load() {
    const { documents, passages } = this.#store.beside(this.#key);
    this.#set({ content: this.#store.read(this.#key), documents, passages });
  }

  #set({ content, documents, passages }) {
    Object.assign(this, { text: content, documents, passages });
  }

  #tell() {
    this.dispatchEvent(new CustomEvent("change"));
  }

  get #key() {
    return `${this.#conversation || "new"}:next`;
  }
}

// The first of those with the same id.
export const withoutTwins = (things) => things.filter(({ id }, index) => things.findIndex((other) => other.id === id) === index);
