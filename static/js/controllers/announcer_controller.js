// The page's one live region: short sentences for screen readers, stages not oftener than every ten seconds.
import { Controller } from "@hotwired/stimulus";

const STAGE_PAUSE = 10_000;
const SHOWN = 5000; // then it is emptied, so that nobody comes upon it while reading

export default class extends Controller {
  connect() {
    this.lastStage = -STAGE_PAUSE;
  }

  disconnect() {
    clearTimeout(this.later);
    clearTimeout(this.empty);
  }

  say({ detail: { text, kind } }) {
    clearTimeout(this.later); // a newer stage, or an end, replaces the one that was waiting
    const wait = kind === "stage" ? this.lastStage + STAGE_PAUSE - performance.now() : 0;
    if (wait > 0) this.later = setTimeout(() => this.#write(text, kind), wait);
    else this.#write(text, kind);
  }

  #write(text, kind) {
    if (kind === "stage") this.lastStage = performance.now();
    this.element.textContent = text.trim();
    clearTimeout(this.empty);
    this.empty = setTimeout(() => { this.element.textContent = ""; }, SHOWN);
  }
}
