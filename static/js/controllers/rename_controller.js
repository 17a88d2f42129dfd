// Renames a conversation or a folder in place, wherever its title stands; without an id, the open conversation.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { request } from "../lib/http.js";
import { toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";

export default class extends Controller {
  static targets = ["label", "view", "start", "form", "input"];
  static values = { id: String, of: { type: String, default: "conversations" } };

  start() {
    this.inputTarget.value = this.labelTarget.textContent.trim();
    this.#edit(true);
    this.inputTarget.select();
  }

  async save(event) {
    event.preventDefault();
    if (this.formTarget.hidden) return; // leaving the field after Enter or Escape
    const title = this.inputTarget.value.trim();
    const before = this.labelTarget.textContent.trim();
    this.#edit(false);
    if (event.type === "submit") this.startTarget.focus();
    if (!title || title === before) return;
    this.labelTarget.textContent = title;
    try {
      if (this.ofValue === "folders") await this.#patch({ name: title });
      else conversation.rename(this.#id, (await this.#patch({ title })).title);
    } catch (error) {
      this.labelTarget.textContent = before;
      toast(sentence(error));
    }
  }

  cancel(event) {
    event.preventDefault(); // Escape here does not also stop the answer
    this.#edit(false);
    this.startTarget.focus();
  }

  get #id() {
    return this.idValue || conversation.id;
  }

  #patch(body) {
    return request(`/api/${this.ofValue}/${this.#id}`, { method: "PATCH", body });
  }

  #edit(editing) {
    this.formTarget.hidden = !editing;
    for (const view of this.viewTargets) view.hidden = editing;
    if (editing) this.inputTarget.focus();
  }
}
