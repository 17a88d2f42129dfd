// The files beside what is being written. Events: "list" (other files, or one has another state), "change" (a share of one
// that is uploaded or read).
import { DraftDocument } from "./draft_document.js";
import { listen } from "./listen.js";
import { tokensOf } from "./pictures.js";

export const MOST = 10; // the server takes no more with one question

export class Documents extends EventTarget {
  all = [];
  #io;

  constructor(kept = [], io = undefined) {
    super();
    this.#io = io;
    this.giveBack(kept);
  }

  get pictures() {
    return this.all.filter(({ isPicture }) => isPicture);
  }

  // For a model to which each picture is so many.
  tokens(imageTokens = 0) {
    return tokensOf(this.all, imageTokens);
  }

  get areReady() {
    return this.all.every(({ isReady }) => isReady);
  }

  // What is to be remembered of those that the server has.
  get facts() {
    return this.all.filter(({ id }) => id).map(({ facts }) => facts);
  }

  // Sends files to the server; returns those that are too many. One that is here already is not sent again.
  add(files) {
    const fresh = [...files].filter((file) => !this.all.some((document) => document.isOf(file)));
    const documents = fresh.slice(0, Math.max(0, MOST - this.all.length)).map((file) => DraftDocument.of(file, this.#io));
    this.#show([...this.all, ...documents]);
    documents.forEach((document) => document.send());
    return fresh.slice(documents.length);
  }

  // isWanted: whether something else is still to be asked with it.
  remove(document, isWanted = () => false) {
    this.#drop(document);
    if (isWanted()) document.leave();
    else document.remove();
  }

  // They leave with a question; returns what is to be remembered of them.
  take() {
    const { facts } = this;
    this.all.forEach((document) => document.leave());
    this.#show([]);
    return facts;
  }

  // Files that the server has, before those that are here; what has become of them meanwhile is looked at. Those of a
  // library are not the person's.
  giveBack(kept) {
    const known = new Set(this.all.map(({ id }) => id));
    const missing = new Map(kept.filter(({ id, isShared }) => !isShared && !known.has(id)).map((facts) => [facts.id, facts]));
    const documents = [...missing.values()].map((facts) => new DraftDocument(facts, null, this.#io));
    if (!documents.length) return;
    this.#show([...documents, ...this.all]);
    documents.forEach(async (document) => {
      await document.look();
      document.follow();
    });
  }

  // Another tab added some of these, or let go of others; what is still on its way to the server stays.
  become(kept) {
    const ids = new Set(kept.map(({ id }) => id));
    const gone = this.all.filter(({ id }) => id && !ids.has(id));
    gone.forEach((document) => document.leave());
    if (gone.length) this.#show(this.all.filter((document) => !gone.includes(document)));
    this.giveBack(kept);
  }

  #show(documents) {
    const fresh = documents.filter((document) => !this.all.includes(document));
    this.all = documents;
    fresh.forEach((document) => this.#watch(document));
    this.#tell("list");
  }

  #drop(document) {
    this.#show(this.all.filter((each) => each !== document));
  }

  #watch(document) {
    let { state } = document;
    listen(document, {
      change: () => {
        if (!this.all.includes(document)) return;
        const name = document.state === state ? "change" : "list";
        ({ state } = document);
        if (this.#isTwice(document)) this.#drop(document);
        else this.#tell(name);
      },
      gone: () => this.#drop(document),
    });
  }

  // Sent under another date, or by another tab: the server has told the same id.
  #isTwice(document) {
    return document.id && this.all.find(({ id }) => id === document.id) !== document;
  }

  #tell(name) {
    this.dispatchEvent(new CustomEvent(name));
  }
}
