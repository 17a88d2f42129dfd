// Keeps what a person is writing, for each conversation, until the server has it.
const PREFIX = "draft:";
const MOST = 50; // conversations; the oldest drafts give way

export class Drafts {
  constructor(storage, owner) {
    this.storage = storage;
    this.prefix = `${PREFIX}${owner}:`;
  }

  // A browser may forbid storage, even to look at it.
  static forPerson(owner) {
    try {
      return new Drafts(window.localStorage, owner);
    } catch {
      return new Drafts(null, owner);
    }
  }

  read(conversation) {
    return this.#entry(this.#key(conversation))?.text ?? "";
  }

  write(conversation, text) {
    if (!text) return this.clear(conversation);
    this.#attempt(() => this.storage.setItem(this.#key(conversation), JSON.stringify({ text, at: Date.now() })));
    this.#forgetOldest();
  }

  clear(conversation) {
    this.#attempt(() => this.storage.removeItem(this.#key(conversation)));
  }

  #key(conversation) {
    return `${this.prefix}${conversation || "new"}`;
  }

  #entry(key) {
    return this.#attempt(() => JSON.parse(this.storage.getItem(key)));
  }

  #forgetOldest() {
    const keys = this.#attempt(() => Object.keys(this.storage)) ?? [];
    const drafts = keys.filter((key) => key.startsWith(PREFIX)).map((key) => ({ key, at: this.#entry(key)?.at ?? 0 }));
    drafts.sort((one, other) => other.at - one.at);
    for (const { key } of drafts.slice(MOST)) this.#attempt(() => this.storage.removeItem(key));
  }

  // Storage may be full, forbidden or hold something foreign; writing then goes on without drafts.
  #attempt(action) {
    try {
      return action();
    } catch {
      return null;
    }
  }
}
