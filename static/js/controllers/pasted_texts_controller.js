// Folds a long paste into a chip below the text: its size, a look at it, its removal, or the text itself after all.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { isLong, nameOf, sizeOf } from "../lib/pasted_texts.js";
import { listen } from "../lib/listen.js";
import { announce } from "../lib/notices.js";
import { placeholderAt } from "../lib/placeholders.js";
import { t } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["text", "list", "template", "preview", "previewTitle", "previewText"];

  connect() {
    this.unlisten = listen(conversation.draft, { change: () => this.#draw() });
    this.#draw();
  }

  disconnect() {
    this.unlisten();
  }

  pasted(event) {
    const text = event.clipboardData?.getData("text/plain").replace(/\r\n?/g, "\n") ?? "";
    if (!isLong(text)) return;
    event.preventDefault();
    this.#pointTo();
    conversation.draft.attach(text);
    announce(t("pasted_said", { size: sizeOf(text) }));
  }

  look({ currentTarget }) {
    const index = this.#indexOf(currentTarget);
    this.previewTitleTarget.textContent = nameOf(this.texts, index);
    this.previewTextTarget.textContent = this.texts[index];
    this.previewTarget.showPopover();
  }

  close() {
    this.previewTarget.hidePopover();
  }

  insert({ currentTarget }) {
    const index = this.#indexOf(currentTarget);
    const text = this.texts[index];
    conversation.draft.detach(index);
    this.textTarget.focus();
    this.textTarget.setRangeText(text, this.textTarget.selectionStart, this.textTarget.selectionEnd, "end");
    this.textTarget.dispatchEvent(new Event("input", { bubbles: true }));
  }

  remove({ currentTarget }) {
    conversation.draft.detach(this.#indexOf(currentTarget));
    this.textTarget.focus();
  }

  #draw() {
    const { pasted: texts } = conversation.draft;
    if (texts === this.texts) return;
    this.texts = texts;
    this.listTarget.hidden = !texts.length;
    this.listTarget.replaceChildren(...texts.map((text, index) => this.#chip(text, index)));
  }

  // Pasted over a placeholder of a prompt: the prompt then says where the text is.
  #pointTo() {
    const { value, selectionStart: start, selectionEnd: end } = this.textTarget;
    const placeholder = placeholderAt(value, start + 1);
    if (placeholder?.start !== start || placeholder.end !== end) return;
    this.textTarget.setRangeText(t("pasted_below"), start, end, "end");
    conversation.draft.write(this.textTarget.value);
  }

  #chip(text, index) {
    const chip = this.templateTarget.content.firstElementChild.cloneNode(true);
    const name = nameOf(this.texts, index);
    chip.querySelector("[data-part=name]").textContent = name;
    chip.querySelector("[data-part=size]").textContent = sizeOf(text);
    for (const act of ["preview", "insert", "remove"]) {
      const button = chip.querySelector(`[data-part=${act}]`);
      button.setAttribute("aria-label", t(`pasted_${act}`, { name }));
      button.title = t(`pasted_${act}`, { name });
    }
    return chip;
  }

  #indexOf(button) {
    return [...this.listTarget.children].indexOf(button.closest("li"));
  }
}
