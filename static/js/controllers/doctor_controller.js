// Follows a comparison with the terminal: asks how far it is, and shows what the server says of it.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { announce } from "couach/lib/notices";

const EVERY = 1000; // ms
const AGAIN = 5000; // while the server is out of reach

export default class extends Controller {
  static targets = ["box", "lost"];
  static values = { url: String, running: Boolean, lost: String };

  connect() {
    if (this.runningValue) this.#later(EVERY);
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  async #look() {
    const found = await request(this.urlValue).catch(() => null);
    if (!this.element.isConnected) return;
    this.lostTarget.textContent = found ? "" : this.lostValue;
    if (found) this.#show(found);
    if (!found) this.#later(AGAIN);
    else if (found.state === "running") this.#later(EVERY);
  }

  #show({ state, html, finding }) {
    // The server's own markup, the same as in the page.
    if (html !== this.shown) this.boxTarget.innerHTML = html;
    this.shown = html;
    if (state === "over") announce(finding.sentence);
  }

  #later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#look(), pause);
  }
}
