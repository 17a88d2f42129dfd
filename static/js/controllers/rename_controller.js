// Renames a conversation or a folder in place, wherever its title stands.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";

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
    const body = this.ofValue === "folders" ? { name: title } : { title };
    try {
      this.dispatch("done", { detail: await request(`/api/${this.ofValue}/${this.idValue}`, { method: "PATCH", body }) });
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

  // The title changed somewhere else on the page.
  update({ detail: { id, title } }) {
    if (id === this.idValue) this.labelTarget.textContent = title;
  }

  #edit(editing) {
    this.formTarget.hidden = !editing;
    for (const view of this.viewTargets) view.hidden = editing;
    if (editing) this.inputTarget.focus();
  }
}
