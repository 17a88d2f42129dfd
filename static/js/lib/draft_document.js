// One file beside what is being written: sent to the server, read there, then ready to go with a question.
// Events: "change" (there is something to show), "gone" (the server does not have it any more).
import { request } from "./http.js";
import { isPicture, looksLikePicture, pictureName, shrunk } from "./pictures.js";
import { sentence } from "./problems.js";
import { t } from "./texts.js";
import { Stopped, upload } from "./upload.js";

const LOOK = 700; // ms between two looks at a file that the server reads
const ABOUT_THE_FILE = /^(file_(?!cancelled)|image_)/; // sent again it would be refused again

const browser = {
  request,
  upload,
  shrunk,
  sleep: (ms) => new Promise((resolve) => { setTimeout(resolve, ms); }),
};

export class DraftDocument extends EventTarget {
  id = ""; // once the server has it
  name = "";
  kind = "";
  size = 0; // bytes
  pages = 0;
  tokens = 0;
  state = "uploading"; // then as the server says: extracting, ready, failed
  sent = 0; // share of the bytes, while they are uploaded
  progress = null; // { done, total } in pages, while the server reads it; null while it waits for its turn
  error = null; // { code, message }
  #file;
  #leaving = new AbortController();
  #io;

  // facts: what is known of a file that the server has; file: one that it is to get.
  constructor(facts, file = null, io = browser) {
    super();
    this.#file = file;
    this.#io = io;
    Object.assign(this, facts);
  }

  static of(file, io) {
    const name = looksLikePicture(file) ? pictureName(file.name) : file.name;
    return new DraftDocument({ name, size: file.size }, file, io);
  }

  // What is to be remembered of it.
  get facts() {
    const { id, name, kind, size, pages, tokens, state } = this;
    return { id, name, kind, size, pages, tokens, state };
  }

  get isReady() {
    return this.state === "ready";
  }

  get isPicture() {
    return this.kind ? isPicture(this) : this.#file !== null && looksLikePicture(this.#file);
  }

  get canRetry() {
    return this.state === "failed" && this.#file !== null && !ABOUT_THE_FILE.test(this.error?.code ?? "");
  }

  isOf({ name, size, lastModified }) {
    return this.state !== "failed" && this.#file?.name === name && this.#file.size === size && this.#file.lastModified === lastModified;
  }

  async send() {
    this.#leaving = new AbortController();
    this.#take({ id: "", state: "uploading", sent: 0, progress: null, error: null });
    const progress = (sent, total) => this.#take({ sent: total ? sent / total : 0 });
    await this.#attempt(async () => {
      const form = new FormData();
      form.append("file", this.isPicture ? await this.#io.shrunk(this.#file) : this.#file);
      this.#take(await this.#io.upload("/api/files", form, { progress, signal: this.#leaving.signal }));
      await this.follow();
    });
  }

  // Until the server has read it, or could not.
  async follow() {
    const { signal } = this.#leaving;
    while (this.state === "extracting") {
      await this.#io.sleep(LOOK);
      if (signal.aborted) return;
      await this.look();
    }
  }

  // What the server knows of it now. Out of reach, it is asked again.
  async look() {
    try {
      const facts = await this.#io.request(`/api/files/${this.id}`);
      if (!this.#leaving.signal.aborted) this.#take(facts);
    } catch (error) {
      if (error.status === 404) this.#lose();
      else if (error.status) this.#fail(error);
    }
  }

  // Ends the reading; the file stays as one that could not be read.
  async cancel() {
    await this.#attempt(async () => {
      await this.#io.request(`/api/files/${this.id}/cancel`, { method: "POST" });
      await this.look();
    });
  }

  // The server reads the file that it has anew; to erase it first could erase it afterwards.
  async retry() {
    await this.send();
  }

  remove() {
    this.leave();
    this.#forgetAtServer();
  }

  // What goes on is no longer followed here.
  leave() {
    this.#leaving.abort();
  }

  // Unsaid, the server erases it after a while by itself.
  #forgetAtServer() {
    if (this.id) this.#io.request(`/api/files/${this.id}`, { method: "DELETE" }).catch(() => {});
  }

  async #attempt(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Stopped)) this.#fail(error);
    }
  }

  #fail(error) {
    this.#take({ state: "failed", error: { code: error.code ?? "unreachable", message: error.code ? sentence(error) : t("document_unreachable") } });
  }

  #lose() {
    this.leave();
    this.dispatchEvent(new CustomEvent("gone"));
  }

  #take(facts) {
    Object.assign(this, facts);
    this.dispatchEvent(new CustomEvent("change"));
  }
}
