// What is being written to the conversation: a text, long texts and documents beside it, kept until the server has them.
// What leaves is { content, documents, passages }: the text with the long ones in it, and what the server has of the documents.
// The libraries that are asked stay beside it for the next question.
// Events: "change" (the text or what is beside it), "fill" (a prompt was put into it), "libraries" (others are asked),
// "asked" (this one was chosen).
import { splitPasted, withPasted } from "./pasted_texts.js";
import { Documents } from "./documents.js";
import { listen } from "./listen.js";

export class Draft extends EventTarget {
  text = "";
  pasted = []; // long texts
  documents;
  libraries = []; // { id, name }
  isKept = true; // it will be there after a reload
  #store;
  #conversation;
  #sent = null; // has left, and is not yet the server's
  #parts = new Map(); // content that has left → the texts it was made of, should it come back

  // typed: what was written before the scripts were there; otherwise the store's text is taken up.
  constructor(store, conversation, typed = "") {
    super();
    this.#store = store;
    this.#conversation = conversation;
    const { pasted, documents, libraries } = store.beside(conversation);
    this.text = typed || store.read(conversation);
    Object.assign(this, { pasted, libraries });
    this.documents = new Documents(documents);
    listen(this.documents, { list: () => this.#keepDocuments() });
    if (typed) this.#save();
  }

  get content() {
    return withPasted(this.text, this.pasted);
  }

  get isBlank() {
    return !this.text.trim() && !this.pasted.length;
  }

  get isOnItsWay() {
    return this.#sent !== null;
  }

  write(text) {
    this.#change(text, this.pasted);
  }

  // A prompt, whose places are then to be filled in.
  fill(text) {
    this.write(text);
    this.dispatchEvent(new CustomEvent("fill"));
  }

  attach(text) {
    this.#change(this.text, [...this.pasted, text]);
  }

  detach(index) {
    this.#change(this.text, this.pasted.toSpliced(index, 1));
  }

  ask({ id, name }) {
    if (!this.libraries.some((library) => library.id === id)) this.#setLibraries([...this.libraries, { id, name }]);
    this.dispatchEvent(new CustomEvent("asked", { detail: { name } }));
  }

  leaveLibrary(library) {
    this.#setLibraries(this.libraries.filter(({ id }) => id !== library.id));
  }

  // Empties it for what comes next; returns what it was.
  take() {
    const { content, text, pasted } = this;
    this.#parts.set(content, { text, pasted });
    const documents = this.documents.take();
    this.#change("", []);
    return { content, documents, passages: [] };
  }

  // On its way: it is kept until the server has it.
  sent(asked) {
    this.#sent = asked;
    this.#save();
  }

  accepted(conversation) {
    this.#store.clear(this.#conversation);
    this.#conversation = conversation;
    this.#parts.delete(this.#sent?.content);
    this.#sent = null;
    this.#change(this.text, this.pasted);
  }

  refused(asked) {
    this.#sent = null;
    this.giveBack(asked);
  }

  // Before what has been written meanwhile.
  giveBack({ content, documents = [] }) {
    const { text, pasted } = this.#parts.get(content) ?? splitPasted(content);
    this.#parts.delete(content);
    this.documents.giveBack(documents);
    this.#change([text, this.text].filter((part) => part.trim()).join("\n\n"), [...pasted, ...this.pasted]);
  }

  // The same file may be beside another draft, or a question that waits: the server then keeps it.
  removeDocument(document) {
    this.documents.remove(document, () => this.#store.hasDocument(document.id));
  }

  // Another tab of the conversation changed what is beside it. A page without a conversation shares nothing.
  rereadDocuments() {
    if (!this.#conversation || this.#sent) return;
    const { documents, libraries } = this.#store.beside(this.#conversation);
    this.documents.become(documents);
    if (JSON.stringify(libraries) !== JSON.stringify(this.libraries)) this.#setLibraries(libraries);
  }

  #setLibraries(libraries) {
    this.libraries = libraries;
    this.#change(this.text, this.pasted);
    this.dispatchEvent(new CustomEvent("libraries"));
  }

  #keepDocuments() {
    this.isKept = this.#store.writeBeside(this.#conversation, { documents: this.#allDocuments });
    this.dispatchEvent(new CustomEvent("change"));
  }

  #change(text, pasted) {
    Object.assign(this, { text, pasted });
    this.#save();
    this.dispatchEvent(new CustomEvent("change"));
  }

  #save() {
    const text = [this.#sent?.content, this.text].filter(Boolean).join("\n\n");
    this.isKept = this.#store.write(this.#conversation, text, { pasted: this.pasted, documents: this.#allDocuments, libraries: this.libraries });
  }

  // With those that have left, and are not yet the server's.
  get #allDocuments() {
    return [...(this.#sent?.documents ?? []), ...this.documents.facts];
  }
}
