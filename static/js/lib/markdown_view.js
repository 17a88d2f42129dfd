// Shows growing Markdown in one element: cleaned, finished blocks left alone, the last one patched at a measured pace.
import DOMPurify from "dompurify";
import { Blocks, normalizeLines } from "couach/lib/blocks";
import { decorateCode } from "couach/lib/code_blocks";
import { patchNodes } from "couach/lib/patch";

const SHARE = 4; // rendering takes at most a quarter of the main thread
const SLOWEST = 500; // ms between two renderings
const CLEAN = {
  ALLOWED_TAGS: ["p", "br", "h3", "h4", "h5", "h6", "strong", "em", "s", "a", "code", "pre", "span", "ul", "ol", "li", "blockquote",
    "hr", "div", "table", "thead", "tbody", "tr", "th", "td"],
  ALLOWED_ATTR: ["href", "title", "target", "rel", "class", "start", "tabindex", "data-language"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel):/i,
  ADD_URI_SAFE_ATTR: ["target", "rel", "start", "tabindex", "data-language"], // not addresses: the line above is not for them
  RETURN_DOM_FRAGMENT: true,
};

export class MarkdownView {
  #blocks;
  #tail = [];
  #text = "";
  #frame = 0;
  #notBefore = 0;
  #isStale = false; // what is shown is not the beginning of what is to be shown
  #isWhole = false;

  // beforeRender may take away what it put among the text in afterRender, such as a caret.
  constructor(element, { french, beforeRender = () => {}, afterRender = () => {} }) {
    Object.assign(this, { element, french, beforeRender, afterRender });
    this.reset();
  }

  reset() {
    this.stop();
    this.#blocks = new Blocks({ french: this.french });
    this.#tail = [];
    this.#text = "";
    this.#isStale = this.#isWhole = false;
    this.element.replaceChildren();
  }

  // The whole text so far; shown at the next free frame.
  grow(text) {
    this.#take(text);
    if (!this.#frame) this.#frame = requestAnimationFrame(this.#paint);
  }

  // The whole and final text, shown at once.
  finish(text) {
    this.stop();
    this.#take(text);
    this.#refresh();
    this.beforeRender();
    const rest = this.#blocks.finish(this.#text);
    this.#settle(this.#tail.length ? rest : [rest.join("")]);
    this.#removeTail();
    this.#isWhole = true;
    this.afterRender();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  // Blocks are given once: a whole text that goes on, or a text that changed, is rendered from its beginning.
  #take(text) {
    const whole = normalizeLines(text);
    this.#isStale ||= (this.#isWhole && whole !== this.#text) || !whole.startsWith(this.#text);
    this.#text = whole;
  }

  #refresh() {
    if (!this.#isStale) return;
    const text = this.#text;
    this.reset();
    this.#text = text;
  }

  #paint = (now) => {
    this.#frame = now < this.#notBefore ? requestAnimationFrame(this.#paint) : 0;
    if (this.#frame) return;
    const started = performance.now();
    this.#refresh();
    this.beforeRender();
    const { finished, tail } = this.#blocks.update(this.#text);
    this.#settle(finished);
    this.#tail = patchNodes(this.element, this.#tail, [...clean(tail).childNodes]);
    this.afterRender();
    this.#notBefore = now + Math.min(SLOWEST, (performance.now() - started) * SHARE);
  };

  // Finished blocks take the place of what was shown of them, node by node, and are then never touched again.
  #settle(finished) {
    for (const html of finished) {
      const fresh = [...clean(html).childNodes];
      const shown = this.#tail.splice(0, fresh.length);
      const next = this.#tail[0] ?? null;
      const nodes = shown.length === fresh.length ? patchNodes(this.element, shown, fresh) : fresh;
      if (nodes === fresh) {
        fresh.forEach((node) => this.element.insertBefore(node, next));
        shown.forEach((node) => node.remove());
      }
    }
  }

  #removeTail() {
    this.#tail.forEach((node) => node.remove());
    this.#tail = [];
  }
}

function clean(html) {
  const fragment = DOMPurify.sanitize(html, CLEAN);
  decorateCode(fragment);
  return fragment;
}
