// A question written while an answer runs: kept across reloads, shared by the tabs of its conversation, and taken once.
// Event: "change".
export class QueuedMessage extends EventTarget {
  text = "";
  isKept = true; // it will be there after a reload
  #store;
  #conversation;

  constructor(store, conversation) {
    super();
    this.#store = store;
    this.#conversation = conversation;
    this.text = store.read(this.#key);
  }

  add(content) {
    this.#keep([this.text, content].filter(Boolean).join("\n\n"));
  }

  // What waited, unless another tab has taken it. Two that take it at the same moment give it the same id: the server
  // then answers once.
  take() {
    const { text } = this;
    const isMine = this.#store.read(this.#key) === text;
    const id = `next-${this.#store.writtenAt(this.#key)}`;
    if (isMine) this.#store.clear(this.#key);
    this.#set("");
    return { content: isMine ? text : "", id };
  }

  // The conversation has its id now.
  moveTo(conversation) {
    if (this.#conversation === conversation) return;
    this.#store.clear(this.#key);
    this.#conversation = conversation;
    this.#keep(this.text);
  }

  // Another tab with the same conversation wrote it, took it or gave it up. A page without one shares nothing.
  reread() {
    if (this.#conversation) this.#set(this.#store.read(this.#key));
  }

  #keep(text) {
    this.isKept = this.#store.write(this.#key, text);
    this.#set(text);
  }

  #set(text) {
    this.text = text;
    this.dispatchEvent(new CustomEvent("change"));
  }

  get #key() {
    return `${this.#conversation || "new"}:next`;
  }
}
