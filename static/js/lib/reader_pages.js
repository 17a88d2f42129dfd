// The pages of a document in one long scroll: places for all of them, their texts fetched as they come near.
import { request } from "./http.js";

const BATCH = 20; // pages fetched at once
const NEAR = "100% 0px"; // a window above and below what is seen

export class ReaderPages {
  #batches = []; // { element, loading } for pages 1 to 20, 21 to 40 …
  #pages = new Map(); // number → element
  #leaving = new AbortController();
  #watch = null;

  // draw({ number, title, text }): a page's element; failed(error): some could not be fetched.
  constructor(place, id, { draw, failed, ask = request }) {
    Object.assign(this, { place, id, draw, failed, ask });
  }

  // Fetches the first pages, or those around `page`; resolves once they are there.
  async open(page = 1) {
    const first = Math.floor((page - 1) / BATCH);
    const { total, pages } = await this.#fetch(first);
    this.#batches = Array.from({ length: Math.ceil(total / BATCH) }, () => ({ element: document.createElement("div"), loading: null }));
    this.#batches.forEach(({ element }, index) => {
      element.className = "reader__batch";
      element.style.setProperty("--pages", Math.min(BATCH, total - index * BATCH));
    });
    if (first < this.#batches.length) this.#fill(first, pages);
    this.place.replaceChildren(...this.#batches.map(({ element }) => element));
    this.#watch = new IntersectionObserver((seen) => seen.forEach(({ isIntersecting, target }) => isIntersecting && this.#come(target)), { root: this.place, rootMargin: NEAR });
    this.#batches.forEach(({ element, loading }) => loading || this.#watch.observe(element));
    return total;
  }

  close() {
    this.#leaving.abort();
    this.#watch?.disconnect();
  }

  // A page's element, once it is there; undefined if there is no such page.
  async page(number) {
    await this.#load(Math.floor((number - 1) / BATCH));
    return this.#pages.get(number);
  }

  #come(element) {
    this.#load(this.#batches.findIndex((batch) => batch.element === element)).catch((error) => this.failed(error));
  }

  // What failed is tried again when it comes near once more.
  #load(index) {
    const batch = this.#batches[index];
    if (!batch) return Promise.resolve();
    batch.loading ??= this.#fetch(index).then(({ pages }) => this.#fill(index, pages), (error) => {
      batch.loading = null;
      if (error.name !== "AbortError") throw error;
    });
    return batch.loading;
  }

  #fetch(index) {
    return this.ask(`/api/files/${this.id}/pages?from=${index * BATCH + 1}&count=${BATCH}`, { signal: this.#leaving.signal });
  }

  #fill(index, pages) {
    const batch = this.#batches[index];
    batch.loading ??= Promise.resolve();
    this.#watch?.unobserve(batch.element);
    batch.element.classList.add("is-filled");
    batch.element.replaceChildren(...pages.map((page) => {
      const element = this.draw(page);
      this.#pages.set(page.number, element);
      return element;
    }));
  }
}
