// Folds the history's long questions, and completes its answers: the last screenful at once, then what comes near, then the rest.
import { Controller } from "@hotwired/stimulus";
import { fold } from "couach/lib/fold";
import { whenIdle } from "couach/lib/idle";
import { complete } from "couach/lib/turns";

const AHEAD = 1; // windows above and below what is seen
const AT_ONCE = 3; // answers in one idle moment: some thirty milliseconds on a slow machine

export default class extends Controller {
  static targets = ["scroller"];

  connect() {
    this.element.querySelectorAll(".turn--question").forEach(fold);
    this.#find();
    this.#lastScreenful();
    this.#begin();
  }

  disconnect() {
    this.watch.disconnect();
    this.cancel?.();
  }

  // Other turns stand in the page now.
  renew() {
    this.disconnect();
    this.#find();
    this.#begin();
  }

  // For paper, and for the browser's own search, which also looks for what is out of sight.
  all() {
    while (this.left.length) this.#take(this.left.at(-1));
  }

  #find() {
    this.left = [...this.element.querySelectorAll(".answer[data-past]")];
  }

  #begin() {
    const margin = { root: this.scrollerTarget, rootMargin: `${AHEAD * 100}% 0px` };
    this.watch = new IntersectionObserver((seen) => seen.forEach(({ isIntersecting, target }) => isIntersecting && this.#take(target)), margin);
    this.left.forEach((article) => this.watch.observe(article));
    this.#goOn();
  }

  #lastScreenful() {
    const { scrollHeight, clientHeight } = this.scrollerTarget;
    const begin = scrollHeight - (1 + AHEAD) * clientHeight;
    const bottoms = new Map(this.left.map((article) => [article, article.offsetTop + article.offsetHeight]));
    this.left.filter((article) => bottoms.get(article) >= begin).forEach((article) => this.#take(article));
  }

  #goOn() {
    this.cancel = this.left.length ? whenIdle(this.#some) : null;
  }

  #some = () => {
    this.left.slice(-AT_ONCE).forEach((article) => this.#take(article));
    this.#goOn();
  };

  #take(article) {
    const place = this.left.lastIndexOf(article);
    if (place < 0) return;
    this.left.splice(place, 1);
    this.watch?.unobserve(article);
    complete(article);
  }
}
