// Shows growing Markdown in one element: cleaned, finished blocks left alone, the last one patched at a measured pace.
import DOMPurify from "dompurify";
import { Blocks, normalizeLines } from "./blocks.js";
import { decorate, sentence } from "./decorate.js";
import { joinNotes } from "./footnotes.js";
import { patchNodes } from "./patch.js";
import { t } from "./texts.js";

const SHARE = 4; // rendering takes at most a quarter of the main thread
const SLOWEST = 500; // ms between two renderings
// An answer far beyond what models write must not hold up the page: what follows is plain text, and then only its beginning.
const LONGEST = 60_000; // characters
const MOST_LINES = 3000; // each may be an element, and every controller of the page looks at each element
const LONGEST_REST = 20_000;
const CLEAN = {
  ALLOWED_TAGS: ["p", "br", "h3", "h4", "h5", "h6", "strong", "em", "s", "a", "code", "pre", "span", "ul", "ol", "li", "blockquote",
    "hr", "div", "table", "thead", "tbody", "tr", "th", "td", "sup"],
  ALLOWED_ATTR: ["href", "title", "target", "rel", "class", "start", "tabindex",
    "data-language", "data-file", "data-task", "data-math", "data-note", "data-note-text", "data-plain"],
  ALLOW_DATA_ATTR: false, // others would be orders to the page's own scripts
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel):/i,
  // Not addresses: the line above is not for them.
  ADD_URI_SAFE_ATTR: ["target", "rel", "start", "tabindex", "data-language", "data-file", "data-task", "data-math", "data-note", "data-note-text", "data-plain"],
  RETURN_DOM_FRAGMENT: true,
};

export class MarkdownView {
  #blocks;
  #tail = [];
  #text = "";
  #rest = ""; // what is too much to be rendered
  #restPlace = null;
  #frame = 0;
  #notBefore = 0;
  #isStale = false; // what is shown is not the beginning of what is to be shown
  #isWhole = false;

  // beforeRender may take away what it put among the text in afterRender, such as a caret.
  // dress(fragment): what it adds to what is about to be shown.
  constructor(element, { french, beforeRender = () => {}, afterRender = () => {}, dress = () => {} }) {
    Object.assign(this, { element, french, beforeRender, afterRender, dress });
    this.reset();
  }

  reset() {
    this.stop();
    this.#blocks = new Blocks({ french: this.french });
    this.#tail = [];
    this.#text = this.#rest = "";
    this.#restPlace = null;
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
    this.#layOut(() => {
      this.#settle(this.#blocks.finish(this.#text));
      this.#removeTail();
      joinNotes(this.element);
      this.#showRest();
    });
    this.#isWhole = true;
    this.afterRender();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  // Blocks are given once: a whole text that goes on, or a text that changed, is rendered from its beginning.
  #take(text) {
    const cut = endOfLaidOut(text);
    const whole = normalizeLines(text.slice(0, cut));
    const rest = text.slice(cut, cut + LONGEST_REST);
    this.#isStale ||= (this.#isWhole && whole + rest !== this.#text + this.#rest) || !whole.startsWith(this.#text);
    [this.#text, this.#rest] = [whole, rest];
  }

  #refresh() {
    if (!this.#isStale) return;
    const [text, rest] = [this.#text, this.#rest];
    this.reset();
    [this.#text, this.#rest] = [text, rest];
  }

  #paint = (now) => {
    this.#frame = now < this.#notBefore ? requestAnimationFrame(this.#paint) : 0;
    if (this.#frame) return;
    const started = performance.now();
    this.#refresh();
    this.beforeRender();
    this.#layOut(() => {
      const { finished, tail } = this.#blocks.update(this.#text);
      this.#settle(finished);
      this.#tail = patchNodes(this.element, this.#tail, [...this.#clean(tail).childNodes], this.#restPlace);
      this.#showRest();
    });
    this.afterRender();
    this.#notBefore = now + Math.min(SLOWEST, (performance.now() - started) * SHARE);
  };

  // Whatever fails in it, the words are there as they were written; the next rendering begins anew.
  #layOut(render) {
    try {
      render();
    } catch (error) {
      console.error(error);
      this.element.replaceChildren(plain(this.#text + this.#rest));
      this.#isStale = true;
    }
  }

  // Finished blocks take the place of what was shown of them, node by node, and are then never touched again.
  #settle(finished) {
    if (!finished.length) return;
    const fresh = [...this.#clean(finished.join("")).childNodes];
    const shown = this.#tail.splice(0, fresh.length);
    patchNodes(this.element, shown, fresh, this.#tail[0] ?? this.#restPlace);
  }

  #showRest() {
    if (!this.#rest) return;
    if (!this.#restPlace) {
      this.#restPlace = document.createElement("div");
      this.#restPlace.append(sentence(t("too_long")), plain(""));
      this.element.append(this.#restPlace);
    }
    const text = this.#restPlace.lastElementChild.firstChild;
    if (text.data !== this.#rest) text.data = this.#rest;
  }

  #clean(html) {
    const fragment = DOMPurify.sanitize(html, CLEAN);
    decorate(fragment);
    this.dress(fragment);
    return fragment;
  }

  #removeTail() {
    this.#tail.forEach((node) => node.remove());
    this.#tail = [];
  }
}

function plain(text) {
  const place = document.createElement("pre");
  place.dataset.plain = "";
  place.tabIndex = 0;
  place.append(text);
  return place;
}

function endOfLaidOut(text) {
  let at = 0;
  for (let lines = 0; lines < MOST_LINES; lines++) {
    at = text.indexOf("\n", at) + 1;
    if (!at || at > LONGEST) return LONGEST;
  }
  return at;
}

