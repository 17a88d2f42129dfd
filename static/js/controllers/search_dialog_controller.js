// Search in one's conversations and documents: asks while one types, shows what was found, opens it by mouse or keys.
import { Controller } from "@hotwired/stimulus";
import { dayName } from "../lib/days.js";
import { whenAskedFor } from "../lib/dialogs.js";
import { placeWords } from "../lib/document_words.js";
import { request } from "../lib/http.js";
import { sentence } from "../lib/problems.js";
import { t, tn } from "../lib/texts.js";

const PAUSE = 120; // ms without a key before the server is asked

export default class extends Controller {
  static targets = ["input", "count", "note", "results", "help", "conversation", "documents", "document"];

  // Words that another page asks to look for.
  connect() {
    this.unlisten = whenAskedFor("search", () => this.#begin());
    const words = new URLSearchParams(location.search).get("q");
    if (words === null) return;
    history.replaceState(history.state, "", location.pathname);
    this.inputTarget.value = words;
    this.#begin();
  }

  disconnect() {
    this.unlisten();
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  // By its shortcut.
  open(event) {
    event.preventDefault();
    this.#begin();
  }

  close() {
    this.element.close();
  }

  // The dialog's own box is its content: a press on the dialog itself is one beside it.
  outside({ target }) {
    if (target === this.element) this.close();
  }

  type() {
    this.isStale = true;
    this.isOpening = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), PAUSE);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.#choose(this.#chosen + step);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      this.isOpening = this.isStale; // what is shown is not yet what was typed
      if (!this.isStale) this.#open();
    }
  }

  #begin() {
    if (this.element.open) return this.inputTarget.select();
    this.element.showModal();
    this.inputTarget.select();
    this.#ask();
  }

  #open() {
    this.#options[Math.max(0, this.#chosen)]?.click();
  }

  // The latest question wins, whatever the order of the answers.
  async #ask() {
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    try {
      const query = new URLSearchParams({ q: this.inputTarget.value });
      const found = await request(`/api/search?${query}`, { signal: asking.signal });
      if (this.asking === asking) this.#show(found);
    } catch (error) {
      if (error.name !== "AbortError") this.#say(sentence(error));
    }
  }

  #show({ results, documents, note }) {
    this.resultsTarget.replaceChildren(...results.map((result) => this.#conversation(result)));
    if (documents.length) this.resultsTarget.append(this.#documents(documents));
    this.#options.forEach((option, place) => { option.id = `search-result-${place}`; });
    const isEmpty = !this.inputTarget.value.trim();
    const count = results.length + documents.length;
    this.#say(isEmpty ? t("search_latest") : count ? foundWords(results.length, documents.length) : t("search_nothing"));
    this.noteTarget.textContent = note ?? "";
    this.noteTarget.hidden = !note;
    this.helpTarget.hidden = !isEmpty && count > 0;
    this.inputTarget.setAttribute("aria-expanded", String(count > 0));
    this.#choose(isEmpty ? -1 : 0);
    this.isStale = false;
    if (this.isOpening) this.#open();
    this.isOpening = false;
  }

  #say(words) {
    this.countTarget.textContent = words;
  }

  #conversation({ url, title, excerpt, at }) {
    return option(this.conversationTarget, { url, title, excerpt, aside: dayName(at, document.documentElement.lang) });
  }

  #documents(documents) {
    const group = this.documentsTarget.content.firstElementChild.cloneNode(true);
    group.append(...documents.map(({ url, name: title, excerpt, kind, library, page }) =>
      option(this.documentTarget, { url, title, excerpt, aside: [library, page && placeWords({ kind }, page)].filter(Boolean).join(" · ") })));
    return group;
  }

  #choose(place) {
    const options = this.#options;
    const chosen = options.length && place >= -1 ? options[Math.min(place, options.length - 1)] : undefined;
    options.forEach((option) => option.setAttribute("aria-selected", String(option === chosen)));
    if (chosen) this.inputTarget.setAttribute("aria-activedescendant", chosen.id);
    else this.inputTarget.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  get #options() {
    return [...this.resultsTarget.querySelectorAll("[role=option]")];
  }

  get #chosen() {
    return this.#options.findIndex((option) => option.ariaSelected === "true");
  }
}

// aside: what stands at the end of its first line.
function option(template, { url, title, excerpt, aside }) {
  const made = template.content.firstElementChild.cloneNode(true);
  made.href = url;
  made.querySelector("[data-part=title]").append(...marked(title));
  made.querySelector("[data-part=aside]").textContent = aside;
  made.querySelector("[data-part=excerpt]").append(...marked(excerpt));
  return made;
}

// 2 conversations, 1 document
function foundWords(conversations, documents) {
  const words = [conversations && tn("search_found", conversations), documents && tn("search_documents", documents)];
  return words.filter(Boolean).join(", ");
}

function marked(parts) {
  return parts.map(({ text, found }) => {
    if (!found) return text;
    const mark = document.createElement("mark");
    mark.textContent = text;
    return mark;
  });
}
