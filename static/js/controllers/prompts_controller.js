// The list of libraries and ready prompts behind a «/» that begins the message: filters while one types; a library is then
// asked, a prompt filled in.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { number } from "../lib/format.js";
import { request } from "../lib/http.js";
import { announce, toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { matching, queryOf } from "../lib/prompts.js";
import { t, tn } from "../lib/texts.js";

const BADGES = { mine: "prompt_mine", shared: "prompt_shared" };

export default class extends Controller {
  static targets = ["text", "panel", "list", "template"];

  prompts = [];

  async typed() {
    const query = this.#query;
    if (query === null) this.refusal = false;
    if (query === null || this.refusal) return this.#hide();
    if (this.panelTarget.hidden && !(await this.#load())) return;
    if (this.#query !== null) this.#show(matching(this.prompts, this.#query));
  }

  // The button does what the key does, with what is written already after it.
  open() {
    const text = this.textTarget;
    text.focus();
    if (!this.panelTarget.hidden) return this.close();
    this.refusal = false;
    if (this.#query === null) text.setRangeText("/", 0, 0, "end");
    text.setSelectionRange(1, 1);
    this.#written();
  }

  key(event) {
    if (this.panelTarget.hidden || event.isComposing || event.keyCode === 229) return;
    const act = {
      ArrowDown: () => this.#move(1), ArrowUp: () => this.#move(-1), Escape: () => this.close(),
      Enter: () => this.#use(this.active), Tab: () => this.#use(this.active),
    }[event.key];
    if (!act || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  // Until the «/» is gone; one that nothing follows goes with the list.
  close() {
    this.refusal = true;
    this.#hide();
    if (this.#query === "") {
      this.textTarget.setRangeText("", 0, 1, "start");
      this.#written();
    }
  }

  // The list itself can be scrolled by keyboard.
  blurred({ relatedTarget }) {
    if (!this.panelTarget.contains(relatedTarget)) this.#hide();
  }

  // A click must not take the focus from the text.
  hold(event) {
    event.preventDefault();
  }

  choose({ target }) {
    const option = target.closest("[role=option]");
    if (option) this.#use([...this.listTarget.children].indexOf(option));
  }

  #use(index) {
    const { content, library } = this.shown[index];
    const text = this.textTarget;
    this.#hide();
    text.focus();
    const rest = text.value.slice(text.selectionStart).trim();
    if (library) {
      conversation.draft.write(rest);
      conversation.draft.ask(library);
    } else conversation.draft.fill(rest ? `${content}\n\n${rest}` : content);
  }

  #show(found) {
    if (!found.length) return this.#hide();
    const same = this.shown && found.length === this.shown.length && found.every((prompt, index) => prompt === this.shown[index]);
    if (same && !this.panelTarget.hidden) return;
    this.shown = found;
    this.listTarget.replaceChildren(...found.map((prompt, index) => this.#option(prompt, index)));
    this.panelTarget.hidden = false;
    const { textTarget: text, listTarget: list } = this;
    // The pattern of a combobox, but for the role and aria-expanded, which a field of several lines may not have.
    text.setAttribute("aria-controls", list.id);
    text.setAttribute("aria-autocomplete", "list");
    text.setAttribute("aria-haspopup", "listbox");
    this.#activate(0);
    announce(tn("prompts_found", found.length));
  }

  #hide() {
    if (this.panelTarget.hidden) return;
    this.panelTarget.hidden = true;
    for (const name of ["aria-controls", "aria-autocomplete", "aria-haspopup", "aria-activedescendant"]) this.textTarget.removeAttribute(name);
  }

  #option({ kind, name, detail, content, library }, index) {
    const option = this.templateTarget.content.firstElementChild.cloneNode(true);
    option.querySelector("[data-part=library]").hidden = !library;
    option.id = `${this.listTarget.id}-${index}`;
    option.querySelector("[data-part=name]").textContent = name;
    option.querySelector("[data-part=detail]").textContent = detail || content.split("\n", 1)[0];
    const badge = option.querySelector("[data-part=kind]");
    badge.hidden = !(kind in BADGES);
    badge.textContent = badge.hidden ? "" : t(BADGES[kind]);
    return option;
  }

  #move(by) {
    const { length } = this.shown;
    this.#activate((this.active + by + length) % length);
  }

  #activate(index) {
    this.active = index;
    [...this.listTarget.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === index)));
    const option = this.listTarget.children[index];
    this.textTarget.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  // Asked anew each time it opens: another page may have changed them.
  async #load() {
    try {
      const [{ libraries }, { prompts }] = await Promise.all([request("/api/libraries"), request("/api/prompts")]);
      this.prompts = [...libraries.filter(({ documents }) => documents).map(asChoice), ...prompts];
      return true;
    } catch (error) {
      this.refusal = true;
      toast(sentence(error));
      return false;
    }
  }

  #written() {
    this.textTarget.dispatchEvent(new Event("input", { bubbles: true }));
  }

  get #query() {
    const { value, selectionStart, selectionEnd } = this.textTarget;
    return selectionStart === selectionEnd ? queryOf(value, selectionStart) : null;
  }
}

// A library as one of the list.
function asChoice({ id, name, description, documents, pages }) {
  const size = `${tn("library_documents", documents, { n: number(documents) })}, ${tn("document_pages", pages, { n: number(pages) })}`;
  return { kind: "library", name: t("library", { name }), detail: description || size, library: { id, name } };
}
