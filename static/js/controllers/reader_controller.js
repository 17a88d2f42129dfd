// Reads a document beside the conversation, or over it where there is no room: its pages, a search in them, its original.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { whenAskedFor } from "../lib/dialogs.js";
import { pictureUrl } from "../lib/document_chips.js";
import { lengthWords, placeWords } from "../lib/document_words.js";
import { request } from "../lib/http.js";
import { documentText, marksInPage } from "../lib/marks.js";
import { isPicture } from "../lib/pictures.js";
import { toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { ReaderPages } from "../lib/reader_pages.js";
import { t } from "../lib/texts.js";
import { messageOf } from "../lib/turns.js";

const BESIDE = "(width >= 64rem)"; // the same limit as in static/css/components/reader.css
const PAUSE = 200; // ms without a key before the server is asked
const MOST = 50; // passages that one search leads through

export default class extends Controller {
  static targets = ["title", "facts", "original", "words", "place", "previous", "next", "pages", "page"];

  connect() {
    this.beside = matchMedia(BESIDE);
    this.beside.addEventListener("change", this.#showAgain);
    this.unlisten = whenAskedFor("reader", (asked) => this.#open(asked));
    document.addEventListener("click", this.#clicked);
    document.addEventListener("keydown", this.#escape);
    this.#openByAddress();
  }

  disconnect() {
    this.beside.removeEventListener("change", this.#showAgain);
    document.removeEventListener("click", this.#clicked);
    document.removeEventListener("keydown", this.#escape);
    this.unlisten();
    this.#leave();
  }

  close() {
    this.element.close();
  }

  // However it was closed; by then it may be open again.
  closed() {
    if (this.element.open) return;
    this.#leave();
    this.file = null;
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
  }

  type() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#search(), PAUSE);
  }

  // Enter goes on from hit to hit; with Shift backwards.
  key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (event.shiftKey) this.previous();
    else this.next();
  }

  previous() {
    this.#goToHit(this.at - 1);
  }

  next() {
    this.#goToHit(this.at + 1);
  }

  // file: { id, name, kind, pages, tokens }, of which the id and the name suffice; page and text: what to show of it;
  // words: what to look for in it, from that page on.
  async #open({ page = 1, text = "", words = "", ...file }) {
    this.opener = this.element.open ? this.opener : document.activeElement;
    const isOther = this.file?.id !== file.id;
    this.file = file;
    if (isOther) this.#begin(file);
    if (!this.element.open) this.#show();
    try {
      const facts = isOther && file.tokens === undefined ? await request(`/api/files/${file.id}`) : null;
      if (this.file?.id !== file.id) return; // another one was opened meanwhile
      if (facts) this.#nameIt(facts);
      if (isPicture(this)) return this.#showPicture(file);
      if (isOther) await this.pages.open(page);
      if (page > 1 || text) await this.#goTo(page, text);
      if (words) {
        this.wordsTarget.value = words;
        await this.#search(page);
      }
    } catch (error) {
      if (this.file === file && error.name !== "AbortError") this.#fail(error);
    }
  }

  #begin(file) {
    this.#leave();
    this.hits = [];
    this.at = 0;
    this.marked = []; // passages: { page, text, marks }
    this.wordsTarget.value = "";
    this.placeTarget.textContent = "";
    this.previousTarget.disabled = this.nextTarget.disabled = true;
    this.pagesTarget.replaceChildren();
    this.pagesTarget.scrollTop = 0;
    this.originalTarget.href = `/api/files/${file.id}/original`;
    this.#nameIt(file);
    this.pages = new ReaderPages(this.pagesTarget, file.id, { draw: (page) => this.#draw(page), failed: (error) => toast(sentence(error)) });
  }

  #nameIt(file) {
    this.kind = file.kind;
    this.titleTarget.textContent = file.name;
    this.factsTarget.textContent = file.tokens === undefined ? "" : lengthWords(file);
    this.element.classList.toggle("is-picture", isPicture(file));
  }

  #showPicture(file) {
    this.pagesTarget.replaceChildren(Object.assign(document.createElement("img"), { className: "reader__picture", src: pictureUrl(file), alt: this.titleTarget.textContent }));
  }

  #draw({ number, title, text }) {
    const page = this.pageTarget.content.firstElementChild.cloneNode(true);
    page.dataset.number = number;
    page.querySelector("[data-part=place]").textContent = placeWords({ kind: this.kind }, { number, title });
    page.querySelector("[data-part=text]").append(...documentText(text, this.#marksIn(number, text)));
    return page;
  }

  // Shows a page, and marks a text in it.
  async #goTo(number, text) {
    this.#mark(text ? [{ page: number, text, marks: [[0, text.length]] }] : []);
    this.pagesTarget.classList.toggle("is-cited", Boolean(text));
    const page = await this.pages.page(number);
    if (!page) return;
    const mark = page.querySelector("mark");
    (mark ?? page).scrollIntoView({ block: mark ? "center" : "start" });
  }

  async #search(from = 1) {
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    const words = this.wordsTarget.value.trim();
    if (!words) return this.#take([], "");
    try {
      const query = new URLSearchParams({ files: this.file.id, q: words, limit: MOST });
      const { passages } = await request(`/api/passages?${query}`, { signal: asking.signal });
      this.#take(passages.toSorted((one, other) => one.page - other.page || one.id - other.id), t("reader_nothing"), from);
    } catch (error) {
      if (error.name !== "AbortError") this.placeTarget.textContent = sentence(error);
    }
  }

  #take(passages, otherwise, from = 1) {
    this.hits = passages.flatMap((passage) => passage.marks.map((mark) => ({ ...passage, mark })));
    this.previousTarget.disabled = this.nextTarget.disabled = !this.hits.length;
    this.placeTarget.textContent = otherwise;
    this.pagesTarget.classList.remove("is-cited");
    this.#mark(passages);
    this.#goToHit(Math.max(0, this.hits.findIndex(({ page }) => page >= from)));
  }

  // From the last one the first one follows.
  async #goToHit(index) {
    const { hits } = this;
    if (!hits.length) return;
    this.at = (index + hits.length) % hits.length;
    this.placeTarget.textContent = t("reader_place", { n: this.at + 1, count: hits.length });
    const { page: number, text, mark } = hits[this.at];
    const page = await this.pages.page(number);
    if (!page || this.hits[this.at]?.mark !== mark) return; // another one was asked for meanwhile
    this.pagesTarget.querySelector(".is-current")?.classList.remove("is-current");
    const [[start] = []] = marksInPage(page.querySelector("[data-part=text]").textContent, { text, marks: [mark] });
    const shown = page.querySelector(`mark[data-start="${start}"]`);
    shown?.classList.add("is-current");
    (shown ?? page).scrollIntoView({ block: shown ? "center" : "start" });
  }

  // In the pages that are there, and in those to come.
  #mark(passages) {
    this.marked = passages;
    for (const page of this.pagesTarget.querySelectorAll("[data-number]")) {
      const place = page.querySelector("[data-part=text]");
      const text = place.textContent;
      const marks = this.#marksIn(Number(page.dataset.number), text);
      if (marks.length || place.querySelector("mark")) place.replaceChildren(...documentText(text, marks));
    }
  }

  #marksIn(number, text) {
    const passages = this.marked.filter(({ page }) => page === number);
    return passages.flatMap((passage) => marksInPage(text, passage)).sort(([one], [other]) => one - other);
  }

  #show() {
    if (this.beside.matches) this.element.show();
    else this.element.showModal();
    this.titleTarget.focus();
  }

  // The window became wider or narrower.
  #showAgain = () => {
    if (!this.element.open) return;
    this.element.close();
    this.#show();
  };

  #fail(error) {
    const words = document.createElement("p");
    words.className = "reader__problem";
    words.textContent = sentence(error);
    this.pagesTarget.replaceChildren(words);
  }

  #leave() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.pages?.close();
  }

  // Documents and citations in the conversation.
  #clicked = ({ target }) => {
    const button = target.closest("[data-document], [data-cite], .cite[data-page]");
    if (!button) return;
    if (button.dataset.document) return this.#open(JSON.parse(button.dataset.document));
    const { documents, passages } = conversation.questionOf(messageOf(button));
    if (button.dataset.page) return this.#open({ ...documents[0], page: Number(button.dataset.page) });
    const cited = Number(button.dataset.cite);
    const { file_id: id, name, page, text } = passages.find(({ number }) => number === cited);
    this.#open({ id, name, ...documents.find((each) => each.id === id), page, text });
  };

  // Beside the conversation it is no dialog that the browser closes.
  #escape = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !this.element.open) return;
    if (document.querySelector(":popover-open, dialog:modal, .shell.is-open")) return;
    event.preventDefault(); // Escape here does not also stop the answer
    this.close();
  };

  // Where a search of one's documents leads: ?file=…&page=…&words=…
  #openByAddress() {
    const asked = new URLSearchParams(location.search);
    const id = asked.get("file");
    if (!id) return;
    history.replaceState(history.state, "", location.pathname);
    this.#open({ id, name: "", page: Number(asked.get("page")) || 1, words: asked.get("words") ?? "" });
  }
}
