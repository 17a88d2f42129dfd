// One chart in its box: drawn from its description as wide as the box is, and again when that changes.
import { lines } from "couach/lib/charts/lines";
import { panels } from "couach/lib/charts/panels";
import { scatter } from "couach/lib/charts/scatter";
import { split } from "couach/lib/charts/split";

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
