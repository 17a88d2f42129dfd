// Follows something long that the server is at: asks how far it is while the page is looked at, and shows what it says.
import { Controller } from "@hotwired/stimulus";
import { request } from "../lib/http.js";
import { announce } from "../lib/notices.js";

const AGAIN = 5000; // ms, while the server is out of reach

export default class extends Controller {
  static targets = ["box", "lost"];
  static values = { url: String, pause: Number, lost: String, running: { type: Boolean, default: true } };

  connect() {
    if (this.runningValue) this.#later(this.pauseValue);
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  look() {
    if (this.timer && !document.hidden) this.#look();
  }

  async #look() {
    clearTimeout(this.timer);
    const found = await request(this.urlValue).catch(() => null);
    if (!this.element.isConnected) return;
    this.lostTarget.textContent = found ? "" : this.lostValue;
    if (!found) return this.#later(AGAIN);
    if (found.over) return location.reload(); // what came of it is in the page then
    this.#show(found.html);
    this.timer = null;
    if (found.finding) announce(found.finding.sentence);
    else if (found.state !== "idle") this.#later(this.pauseValue);
  }

  // The server's own markup, the same as in the page; the button that has the focus stays what it is, and a question that
  // is open is not taken away.
  #show(html) {
    if (this.boxTarget.querySelector(":popover-open")) return;
    const focused = this.boxTarget.contains(document.activeElement) && document.activeElement.localName;
    if (html !== this.shown) this.boxTarget.innerHTML = html;
    this.shown = html;
    if (focused) this.boxTarget.querySelector(focused)?.focus();
  }

  #later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), pause);
  }
}
