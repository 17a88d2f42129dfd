// Sends a model's file to the server: has it checked first, shows how far it is, and follows until the model is loaded.
import { Controller } from "@hotwired/stimulus";
import { duration, filesize, percent } from "../lib/format.js";
import { fileHeaders, postFile, request } from "../lib/http.js";
import { announce } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { t } from "../lib/texts.js";
import { Stopped, upload } from "../lib/upload.js";

const LOOK = 1000; // ms between two looks at what the server does
const BEGINNING = 16; // bytes that tell whether it is a GGUF file
const SURE = 5000; // ms after which the pace says how long it will take

export default class extends Controller {
  static targets = ["form", "file", "progress", "name", "words", "bar", "stop", "outcome"];
  static values = { url: String, check: String, state: Object };

  connect() {
    if (this.stateValue.active) this.#follow();
  }

  disconnect() {
    clearTimeout(this.timer);
    this.upload?.abort();
  }

  async send(event) {
    event.preventDefault();
    const [file] = this.fileTarget.files;
    if (!file || this.sending) return;
    this.sending = true;
    this.#say("");
    this.#show(file.name, t("file_checking"));
    try {
      await this.#check(file);
      await this.#post(file);
      this.sending = false;
      this.#follow();
    } catch (error) {
      this.sending = false;
      this.#end(error instanceof Stopped ? t("file_stopped") : sentence(error), !(error instanceof Stopped));
    }
  }

  stop() {
    this.upload?.abort();
  }

  // A page that is left stops the sending.
  leave(event) {
    if (this.upload) event.preventDefault();
  }

  // Most refusals come before gigabytes were sent.
  async #check(file) {
    const facts = new URLSearchParams({ name: file.name, size: file.size });
    await postFile(`${this.checkValue}?${facts}`, file.slice(0, BEGINNING));
  }

  async #post(file) {
    const started = performance.now();
    const progress = (done, size) => {
      if (done < size) this.#tell(done, size, performance.now() - started);
      else this.#show(file.name, t("file_sent"));
    };
    this.upload = new AbortController();
    this.stopTarget.hidden = false;
    try {
      const url = `${this.urlValue}?${new URLSearchParams({ name: file.name })}`;
      await upload(url, file, { headers: fileHeaders(), progress, signal: this.upload.signal });
    } finally {
      this.upload = null;
      this.stopTarget.hidden = true;
    }
  }

  async #follow() {
    const found = await request(this.urlValue).catch(() => null);
    if (!this.element.isConnected) return;
    if (found && !found.active) {
      if (found.phase !== "ready") return this.#end(found.sentence, Boolean(found.code));
      announce(found.sentence);
      return location.reload(); // the page then shows the new model
    }
    if (found?.phase === "receiving") this.#tell(found.done, found.size, 0, found.model);
    else if (found) this.#show(found.model, t("file_loading"));
    this.timer = setTimeout(() => this.#follow(), LOOK);
  }

  #tell(done, size, taken, name = this.nameTarget.textContent) {
    const words = [t("file_sending", { percent: percent(Math.floor((done / size) * 100) / 100), done: filesize(done), size: filesize(size) })];
    if (taken > SURE && done < size) words.push(t("file_left", { time: duration(((size - done) / done) * (taken / 1000)) }));
    this.#show(name, words.join(" · "), done / size);
  }

  // Without a share the bar only says that something goes on.
  #show(name, words, share = null) {
    this.progressTarget.hidden = false;
    this.formTarget.hidden = true;
    this.nameTarget.textContent = name;
    this.wordsTarget.textContent = words;
    if (share === null) this.barTarget.removeAttribute("value");
    else this.barTarget.value = share;
  }

  #end(words, refused) {
    this.progressTarget.hidden = true;
    this.formTarget.hidden = false;
    this.#say(words, refused);
  }

  #say(words, refused = false) {
    this.outcomeTarget.textContent = words;
    this.outcomeTarget.classList.toggle("is-refused", refused);
  }
}
