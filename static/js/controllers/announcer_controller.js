// The page's live region: short sentences for screen readers, stages not oftener than every ten seconds.
import { Controller } from "@hotwired/stimulus";
import { openModal } from "couach/lib/modal";

const STAGE_PAUSE = 10_000;
const SHOWN = 5000; // then it is emptied, so that nobody comes upon it while reading

export default class extends Controller {
  connect() {
    this.lastStage = -STAGE_PAUSE;
    // A region is heard only if it was there before its words: each dialog has its own from the beginning.
    this.regions = new Map([...document.querySelectorAll("dialog")].map((dialog) => [dialog, this.#addTo(dialog)]));
  }

  disconnect() {
    clearTimeout(this.later);
    clearTimeout(this.empty);
    for (const region of this.regions.values()) region.remove();
  }

  say({ detail: { text, kind } }) {
    clearTimeout(this.later); // a newer stage, or an end, replaces the one that was waiting
    const wait = kind === "stage" ? this.lastStage + STAGE_PAUSE - performance.now() : 0;
    if (wait > 0) this.later = setTimeout(() => this.#write(text, kind), wait);
    else this.#write(text, kind);
  }

  #write(text, kind) {
    if (kind === "stage") this.lastStage = performance.now();
    const region = this.regions.get(openModal()) ?? this.element;
    region.textContent = text.trim();
    clearTimeout(this.empty);
    this.empty = setTimeout(() => this.#silence(), SHOWN);
  }

  #silence() {
    for (const region of [this.element, ...this.regions.values()]) region.textContent = "";
  }

  #addTo(dialog) {
    const region = document.createElement("div");
    region.className = "vh";
    region.ariaLive = "polite";
    dialog.append(region);
    return region;
  }
}
