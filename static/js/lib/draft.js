// What is being written to the conversation: a text and long texts beside it, kept until the server has them.
// Events: "change" (the text or what is beside it), "fill" (a prompt was put into it).
import { splitFiles, withFiles } from "./attachments.js";

export class Draft extends EventTarget {
  text = "";
  files = [];
  isKept = true; // it will be there after a reload
  #store;
  #conversation;
  #sent = null; // has left, and is not yet the server's
  #parts = new Map(); // what has left → what it was made of, should it come back

  // typed: what was written before the scripts were there; otherwise the store's text is taken up.
  constructor(store, conversation, typed = "") {
    super();
    this.#store = store;
    this.#conversation = conversation;
    this.text = typed || store.read(conversation);
    this.files = store.files(conversation);
    if (typed) this.#save();
  }

  get content() {
    return withFiles(this.text, this.files);
  }

  get isBlank() {
    return !this.text.trim() && !this.files.length;
  }

  get isOnItsWay() {
    return this.#sent !== null;
  }

  write(text) {
    this.#change(text, this.files);
  }

  // A prompt, whose places are then to be filled in.
  fill(text) {
    this.write(text);
    this.dispatchEvent(new CustomEvent("fill"));
  }

  attach(text) {
    this.#change(this.text, [...this.files, text]);
  }

  detach(index) {
    this.#change(this.text, this.files.toSpliced(index, 1));
  }

  // Empties it for what comes next; returns what it was.
  take() {
    const { content, text, files } = this;
    this.#parts.set(content, { text, files });
    this.#change("", []);
    return content;
  }

  // On its way: it is kept until the server has it.
  sent(content) {
    this.#sent = content;
    this.#save();
  }

  accepted(conversation) {
    this.#store.clear(this.#conversation);
    this.#conversation = conversation;
    this.#parts.delete(this.#sent);
    this.#sent = null;
    this.#change(this.text, this.files);
  }

  refused(content) {
    this.#sent = null;
    this.giveBack(content);
  }

  // Before what has been written meanwhile.
  giveBack(content) {
    const { text, files } = this.#parts.get(content) ?? splitFiles(content);
    this.#parts.delete(content);
    this.#change([text, this.text].filter((part) => part.trim()).join("\n\n"), [...files, ...this.files]);
  }

  #change(text, files) {
    Object.assign(this, { text, files });
    this.#save();
    this.dispatchEvent(new CustomEvent("change"));
  }

  #save() {
    const text = [this.#sent, this.text].filter(Boolean).join("\n\n");
    this.isKept = this.#store.write(this.#conversation, text, this.files);
  }
}
