// Asks for the folder that a conversation is moved to: one of those in the sidebar, a new one, or none.
import { Controller } from "@hotwired/stimulus";
import { whenAskedFor } from "../lib/dialogs.js";
import { request } from "../lib/http.js";
import { sentence } from "../lib/problems.js";

export default class extends Controller {
  static targets = ["title", "choices", "template", "name", "problem"];

  connect() {
    this.unlisten = whenAskedFor("move", (asked) => this.#open(asked));
  }

  disconnect() {
    this.unlisten();
  }

  close() {
    this.element.close();
  }

  async choose({ currentTarget: { value } }) {
    this.element.close();
    await this.moved(value ? Number(value) : null);
  }

  async make(event) {
    event.preventDefault();
    try {
      const folder = await request("/api/folders", { method: "POST", body: { name: this.nameTarget.value } });
      this.dispatch("made", { target: window, detail: folder });
      this.element.close();
      await this.moved(folder.id);
    } catch (error) {
      this.problemTarget.textContent = sentence(error);
      this.problemTarget.hidden = false;
      this.nameTarget.focus();
    }
  }

  #open({ title, folder, moved }) {
    this.moved = moved;
    this.titleTarget.textContent = title;
    this.nameTarget.value = "";
    this.problemTarget.hidden = true;
    const folders = [...document.querySelectorAll("[data-controller~=folder]")];
    const nameOf = (each) => each.querySelector(".label").textContent;
    const names = folders.map((each) => ({ id: each.dataset.folderIdValue, name: nameOf(each) }));
    const none = this.choicesTarget.firstElementChild;
    none.setAttribute("aria-pressed", String(!folder));
    this.choicesTarget.replaceChildren(none, ...names.map((each) => this.#choice(each, folder)));
    this.element.showModal();
  }

  #choice({ id, name }, folder) {
    const choice = this.templateTarget.content.firstElementChild.cloneNode(true);
    choice.value = id;
    choice.setAttribute("aria-pressed", String(id === folder));
    choice.querySelector("[data-part=name]").textContent = name;
    return choice;
  }
}
