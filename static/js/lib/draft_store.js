// Keeps what a person is writing, for each conversation, until the server has it.
const PREFIX = "draft:";
const MOST = 50; // conversations; the oldest drafts give way

export class DraftStore {
  #memory = new Map(); // what the storage did not take

  constructor(storage, owner) {
    this.storage = storage;
    this.prefix = `${PREFIX}${owner}:`;
  }

  // A browser may forbid storage, even to look at it.
  static forPerson(owner) {
    try {
      return new DraftStore(window.localStorage, owner);
    } catch {
      return new DraftStore(null, owner);
    }
  }

  read(conversation) {
    return this.#entry(this.#key(conversation))?.text ?? "";
  }

  // What goes with it: long texts, documents that the server has, passages of them that were chosen, libraries to ask.
  beside(conversation) {
    const { pasted = [], documents = [], passages = [], libraries = [] } = this.#entry(this.#key(conversation)) ?? {};
    return { pasted, documents, passages, libraries };
  }

  // Whether a document is beside any text that is kept, also one that waits behind an answer.
  hasDocument(id) {
    const keys = [...this.#memory.keys(), ...(this.#attempt(() => Object.keys(this.storage)) ?? [])];
    const mine = keys.filter((key) => key.startsWith(this.prefix));
    return mine.some((key) => this.#entry(key)?.documents?.some((document) => document.id === id));
  }

  writtenAt(conversation) {
    return this.#entry(this.#key(conversation))?.at ?? 0;
  }

  // Whether it will be there after a reload; if not, it is kept in memory.
  write(conversation, text, beside = {}) {
    const key = this.#key(conversation);
    const kept = Object.entries(beside).filter(([, list]) => list.length);
    if (!text && !kept.length) return this.clear(conversation);
    const entry = { text, at: Date.now(), ...Object.fromEntries(kept) };
    const stored = this.#attempt(() => { this.storage.setItem(key, JSON.stringify(entry)); return true; }) ?? false;
    if (stored) this.#memory.delete(key);
    else {
      this.#attempt(() => this.storage.removeItem(key)); // an older text would come back instead
      this.#memory.set(key, entry);
    }
    this.#forgetOldest();
    return stored;
  }

  // What goes with the text is other; the text may be what another tab writes.
  writeBeside(conversation, beside) {
    return this.write(conversation, this.read(conversation), { ...this.beside(conversation), ...beside });
  }

  clear(conversation) {
    this.#memory.delete(this.#key(conversation));
    this.#attempt(() => this.storage.removeItem(this.#key(conversation)));
    return true;
  }

  // Of all conversations.
  clearAll() {
    this.#memory.clear();
    const keys = this.#attempt(() => Object.keys(this.storage)) ?? [];
    for (const key of keys) if (key.startsWith(this.prefix)) this.#attempt(() => this.storage.removeItem(key));
  }

  #key(conversation) {
    return `${this.prefix}${conversation || "new"}`;
  }

  #entry(key) {
    return this.#memory.get(key) ?? this.#attempt(() => JSON.parse(this.storage.getItem(key)));
  }

  #forgetOldest() {
    const keys = this.#attempt(() => Object.keys(this.storage)) ?? [];
    const drafts = keys.filter((key) => key.startsWith(PREFIX)).map((key) => ({ key, at: this.#entry(key)?.at ?? 0 }));
    drafts.sort((one, other) => other.at - one.at);
    for (const { key } of drafts.slice(MOST)) this.#attempt(() => this.storage.removeItem(key));
  }

  // Storage may be full, forbidden or hold something foreign; writing then goes on without it.
  #attempt(action) {
    try {
      return action();
    } catch {
      return null;
    }
  }
}
