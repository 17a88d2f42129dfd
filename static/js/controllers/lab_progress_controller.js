// Follows a measuring run: asks how far it is while the page is looked at, and shows what the server says of it.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";

const EVERY = 2000; // ms
const AGAIN = 5000; // while the server is out of reach

export default class extends Controller {
  static targets = ["box", "lost"];
  static values = { url: String, lost: String };

  connect() {
    this.look = () => { if (!document.hidden) this.#look(); };
    document.addEventListener("visibilitychange", this.look);
    this.#later(EVERY);
  }

  disconnect() {
    document.removeEventListener("visibilitychange", this.look);
    clearTimeout(this.timer);
  }

  async #look() {
    clearTimeout(this.timer);
    const found = await request(this.urlValue).catch(() => null);
    if (!this.element.isConnected) return;
    this.lostTarget.textContent = found ? "" : this.lostValue;
    if (found?.over) return location.reload(); // what came of it is in the page then
    if (found) this.#show(found.html);
    this.#later(found ? EVERY : AGAIN);
  }

  // The server's own markup, the same as in the page; the button that has the focus stays what it is.
  #show(html) {
    const focused = this.boxTarget.contains(document.activeElement) && document.activeElement.localName;
    if (html !== this.shown) this.boxTarget.innerHTML = html;
    this.shown = html;
    if (focused) this.boxTarget.querySelector(focused)?.focus();
  }

  #later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.look, pause);
  }
}
