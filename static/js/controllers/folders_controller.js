// The folders of the sidebar: makes a new one.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";

export default class extends Controller {
  static targets = ["opener", "form", "name", "list", "template"];

  begin() {
    this.formTarget.hidden = false;
    this.nameTarget.value = "";
    this.nameTarget.focus();
  }

  cancel(event) {
    event.preventDefault();
    this.formTarget.hidden = true;
    this.openerTarget.focus();
  }

  async make(event) {
    event.preventDefault();
    if (this.formTarget.hidden) return; // leaving the field after Enter or Escape
    this.formTarget.hidden = true;
    const name = this.nameTarget.value.trim();
    if (!name) return;
    try {
      const folder = this.add({ detail: await request("/api/folders", { method: "POST", body: { name } }) });
      folder.querySelector(".side-link").focus();
    } catch (error) {
      toast(sentence(error));
      this.openerTarget.focus();
    }
  }

  // Also one that was made elsewhere on the page.
  add({ detail: { id, name } }) {
    const folder = this.templateTarget.content.firstElementChild.cloneNode(true);
    folder.id = `folder-${id}`;
    folder.setAttribute("data-folder-id-value", id);
    folder.setAttribute("data-rename-id-value", id);
    folder.querySelector(".label").textContent = name;
    folder.querySelector("ul").id = `folder-${id}-list`;
    folder.querySelector(".side-link").setAttribute("aria-controls", `folder-${id}-list`);
    const next = [...this.listTarget.children].find((other) => other.querySelector(".label").textContent.localeCompare(name) > 0) ?? null;
    this.listTarget.insertBefore(folder, next);
    return folder;
  }
}
