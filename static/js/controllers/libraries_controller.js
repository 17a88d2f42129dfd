// The libraries that the next questions ask, a chip each: they are chosen behind the «/» or on the empty page.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { listen } from "../lib/listen.js";
import { announce } from "../lib/notices.js";
import { t } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["text", "list", "template"];

  connect() {
    const { draft } = conversation;
    this.shown = [];
    this.unlisten = listen(draft, {
      libraries: () => this.#draw(),
      asked: ({ name }) => { announce(t("library_asked", { name })); this.textTarget.focus(); },
    });
    this.#draw();
  }

  disconnect() {
    this.unlisten();
  }

  remove({ currentTarget }) {
    const library = this.shown[[...this.listTarget.children].indexOf(currentTarget.closest("li"))];
    conversation.draft.leaveLibrary(library);
    announce(t("document_removed", { name: t("library", library) }));
    this.textTarget.focus();
  }

  #draw() {
    const { libraries } = conversation.draft;
    this.shown = libraries;
    this.listTarget.replaceChildren(...libraries.map((library) => this.#chip(library)));
    this.listTarget.hidden = !libraries.length;
  }

  #chip(library) {
    const chip = this.templateTarget.content.firstElementChild.cloneNode(true);
    const name = t("library", library);
    chip.querySelector("[data-part=name]").textContent = name;
    const remove = chip.querySelector("[data-part=remove]");
    remove.ariaLabel = remove.title = t("document_remove", { name });
    return chip;
  }
}
