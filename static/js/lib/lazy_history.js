// Folds the history's long questions, and completes its answers: the last screenful at once, then what comes near, then
// the rest.
import { fold } from "./fold.js";
import { whenIdle } from "./idle.js";
import { completeTurn } from "./turns.js";

const AHEAD = 1; // windows above and below what is seen
const AT_ONCE = 3; // answers in one idle moment: some thirty milliseconds on a slow machine

export class LazyHistory {
  #left = []; // answers that are still to be completed
  #watch = null;
  #callOff = null;

  constructor(scroller, list) {
    Object.assign(this, { scroller, list });
  }

  start() {
    this.list.querySelectorAll(".turn--question").forEach(fold);
    this.#find();
    this.#completeLastScreenful();
    this.#begin();
  }

  stop() {
    this.#watch?.disconnect();
    this.#callOff?.();
  }

  // Other turns stand in the page now; these are completed before anything is painted.
  renew(atOnce) {
    this.stop();
    this.#find();
    atOnce.forEach((article) => this.#complete(article));
    this.#begin();
  }

  // For paper, and for the browser's own search, which also looks for what is out of sight.
  completeAll() {
    while (this.#left.length) this.#complete(this.#left.at(-1));
  }

  #find() {
    this.#left = [...this.list.querySelectorAll(".answer[data-past]")];
  }

  #begin() {
    const margin = { root: this.scroller, rootMargin: `${AHEAD * 100}% 0px` };
    this.#watch = new IntersectionObserver((seen) => {
      for (const { isIntersecting, target } of seen) if (isIntersecting) this.#complete(target);
    }, margin);
    this.#left.forEach((article) => this.#watch.observe(article));
    this.#goOn();
  }

  #completeLastScreenful() {
    const { scrollHeight, clientHeight } = this.scroller;
    const begin = scrollHeight - (1 + AHEAD) * clientHeight;
    const bottoms = new Map(this.#left.map((article) => [article, article.offsetTop + article.offsetHeight]));
    this.#left.filter((article) => bottoms.get(article) >= begin).forEach((article) => this.#complete(article));
  }

  #goOn() {
    this.#callOff = this.#left.length ? whenIdle(this.#some) : null;
  }

  #some = () => {
    this.#left.slice(-AT_ONCE).forEach((article) => this.#complete(article));
    this.#goOn();
  };

  #complete(article) {
    const place = this.#left.lastIndexOf(article);
    if (place < 0) return;
    this.#left.splice(place, 1);
    this.#watch?.unobserve(article);
    completeTurn(article);
  }
}
