// One chart in its box: drawn from its description as wide as the box is, and again when that changes.
import { lines } from "./lines.js";
import { panels } from "./panels.js";
import { scatter } from "./scatter.js";
import { split } from "./split.js";

const KINDS = { lines, panels, scatter, split };

export class Chart {
  #drawn = 0;

  constructor(box, spec) {
    this.box = box;
    this.spec = spec;
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(box);
  }

  // Draws anew, with another description if one is given.
  draw(spec = this.spec) {
    this.spec = spec;
    this.#drawn = Math.floor(this.box.clientWidth);
    if (this.#drawn) this.box.replaceChildren(...KINDS[spec.kind](spec, this.#drawn));
  }

  stop() {
    this.observer.disconnect();
  }

  #fit() {
    if (Math.floor(this.box.clientWidth) !== this.#drawn) this.draw();
  }
}
