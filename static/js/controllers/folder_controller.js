// One folder in the sidebar: it opens, shows what is in it, and goes without what is in it.
import { Controller } from "@hotwired/stimulus";
import { request } from "../lib/http.js";
import { toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";

export default class extends Controller {
  static targets = ["opener", "list", "more", "empty"];
  static values = { id: Number, loaded: Boolean };

  async toggle() {
    const opening = this.listTarget.hidden;
    if (opening && !this.loadedValue && !await this.#load()) return;
    this.listTarget.hidden = !opening;
    this.openerTarget.setAttribute("aria-expanded", String(opening));
    this.#say();
  }

  more() {
    this.#load();
  }

  // Its conversations stay: the list puts them back under their dates.
  async remove() {
    try {
      await request(`/api/folders/${this.idValue}`, { method: "DELETE" });
    } catch (error) {
      toast(sentence(error));
      return;
    }
    const list = this.element.closest("[data-controller~=sidebar]");
    const items = [...this.listTarget.children];
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    this.element.remove();
    list.dispatchEvent(new CustomEvent("folder:gone", { detail: { items } }));
    (next ?? list).querySelector(".side-link, .side-group .icon-btn")?.focus();
  }

  async #load() {
    try {
      const query = `folder=${this.idValue}&cursor=${encodeURIComponent(this.moreTarget.dataset.cursor)}`;
      const { conversations, next_cursor: next } = await request(`/api/conversations?${query}`);
      this.loadedValue = true;
      this.dispatch("loaded", { detail: { conversations } });
      this.moreTarget.dataset.cursor = next ?? "";
      this.#say();
      return true;
    } catch (error) {
      toast(sentence(error));
      return false;
    }
  }

  #say() {
    const isOpen = !this.listTarget.hidden || this.openerTarget.getAttribute("aria-expanded") === "true";
    this.emptyTarget.hidden = !isOpen || this.listTarget.childElementCount > 0;
    this.moreTarget.hidden = !isOpen || !this.moreTarget.dataset.cursor;
  }
}
