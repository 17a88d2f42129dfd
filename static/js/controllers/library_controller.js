// Adds documents to a library, one after another, and shows how far they are read.
import { Controller } from "@hotwired/stimulus";
import { percent } from "../lib/format.js";
import { request } from "../lib/http.js";
import { announce } from "../lib/notices.js";
import { patchNodes } from "../lib/patch.js";
import { sentence } from "../lib/problems.js";
import { t, tn } from "../lib/texts.js";
import { upload } from "../lib/upload.js";

const LOOK = 1500; // ms between two looks at what the server reads
const BUSY = "files_busy"; // others send files too: a moment later there is room
const LATER = 2000; // ms

export default class extends Controller {
  static targets = ["input", "sending", "words", "bar", "refused", "box"];
  static values = { add: String, follow: String, reading: Boolean };

  connect() {
    this.waiting = [];
    if (this.readingValue) this.#later();
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  choose() {
    this.inputTarget.click();
  }

  chosen() {
    this.#add([...this.inputTarget.files]);
    this.inputTarget.value = ""; // the same file can be chosen again
  }

  // Elsewhere on the page the browser would leave it for the file.
  drag(event) {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  }

  drop(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    if (this.hasInputTarget) this.#add([...event.dataTransfer.files]);
  }

  // A page that is left stops the sending.
  leave(event) {
    if (this.isSending) event.preventDefault();
  }

  #add(files) {
    this.waiting.push(...files);
    if (!this.isSending) this.#send();
  }

  async #send() {
    this.isSending = true;
    this.refusedTarget.replaceChildren();
    let sent = 0;
    for (let file = this.waiting.shift(); file; file = this.waiting.shift()) {
      try {
        await this.#sendOne(file);
        sent += 1;
      } catch (error) {
        this.#refuse(file, sentence(error));
      }
      this.#later(0);
    }
    this.isSending = false;
    this.sendingTarget.hidden = true;
    if (sent) announce(tn("library_sent", sent));
  }

  async #sendOne(file) {
    const form = new FormData();
    form.append("file", file);
    const progress = (done, total) => this.#tell(file, total ? done / total : 0);
    this.#tell(file, 0);
    try {
      await upload(this.addValue, form, { progress });
    } catch (error) {
      if (error.code !== BUSY) throw error;
      await new Promise((resolve) => { setTimeout(resolve, LATER); });
      await this.#sendOne(file);
    }
  }

  #tell({ name }, share) {
    this.sendingTarget.hidden = false;
    this.wordsTarget.textContent = t("library_sending", { name, percent: percent(Math.floor(share * 100) / 100) });
    this.barTarget.value = share;
  }

  #refuse({ name }, reason) {
    const line = document.createElement("li");
    line.textContent = t("library_refused", { name, reason });
    this.refusedTarget.append(line);
  }

  #later(pause = LOOK) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#look(), pause);
  }

  async #look() {
    const found = await request(this.followValue).catch(() => null);
    if (!this.element.isConnected) return;
    if (found) this.#show(found.html);
    if (!found || found.reading) this.#later();
  }

  // Only what differs is touched, so that the focus stays. A question that is open may not become another row's.
  #show(html) {
    if (this.boxTarget.querySelector(":popover-open")) return;
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    patchNodes(this.boxTarget, [...this.boxTarget.childNodes], [...fresh.content.childNodes]);
  }
}
