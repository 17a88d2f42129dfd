// Folds a long paste into a chip below the text: its size, a look at it, its removal, or the text itself after all.
import { Controller } from "@hotwired/stimulus";
import { countLines, isLong } from "couach/lib/attachments";
import { number } from "couach/lib/format";
import { announce } from "couach/lib/notices";
import { placeAt } from "couach/lib/places";
import { t, tn } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["text", "list", "template", "preview", "previewTitle", "previewText"];

  pasted(event) {
    const text = event.clipboardData?.getData("text/plain").replace(/\r\n?/g, "\n") ?? "";
    if (!isLong(text)) return;
    event.preventDefault();
    this.#pointTo();
    this.dispatch("add", { detail: { text } });
    announce(t("attached_said", { size: this.#size(text) }));
  }

  draw({ detail: { files } }) {
    this.files = files;
    this.listTarget.hidden = !files.length;
    this.listTarget.replaceChildren(...files.map((text, index) => this.#chip(text, index)));
  }

  look({ currentTarget }) {
    const index = this.#indexOf(currentTarget);
    this.previewTitleTarget.textContent = this.#name(index);
    this.previewTextTarget.textContent = this.files[index];
    this.previewTarget.showPopover();
  }

  close() {
    this.previewTarget.hidePopover();
  }

  insert({ currentTarget }) {
    const index = this.#indexOf(currentTarget);
    const text = this.files[index];
    this.dispatch("remove", { detail: { index } });
    this.textTarget.focus();
    this.textTarget.setRangeText(text, this.textTarget.selectionStart, this.textTarget.selectionEnd, "end");
    this.textTarget.dispatchEvent(new Event("input", { bubbles: true }));
  }

  remove({ currentTarget }) {
    this.dispatch("remove", { detail: { index: this.#indexOf(currentTarget) } });
    this.textTarget.focus();
  }

  // Pasted over a place of a prompt: the prompt then says where the text is.
  #pointTo() {
    const { value, selectionStart: start, selectionEnd: end } = this.textTarget;
    const place = placeAt(value, start + 1);
    if (place?.start === start && place.end === end) this.textTarget.setRangeText(t("attached_below"), start, end, "end");
  }

  #chip(text, index) {
    const chip = this.templateTarget.content.firstElementChild.cloneNode(true);
    const name = this.#name(index);
    chip.querySelector("[data-part=name]").textContent = name;
    chip.querySelector("[data-part=size]").textContent = this.#size(text);
    for (const act of ["preview", "insert", "remove"]) {
      const button = chip.querySelector(`[data-part=${act}]`);
      button.setAttribute("aria-label", t(`attached_${act}`, { name }));
      button.title = t(`attached_${act}`, { name });
    }
    return chip;
  }

  #name(index) {
    return this.files.length > 1 ? t("attached_nth", { n: index + 1 }) : t("attached");
  }

  #size(text) {
    return t("attached_size", { lines: tn("attached_lines", countLines(text)), characters: number(text.length) });
  }

  #indexOf(button) {
    return [...this.listTarget.children].indexOf(button.closest("li"));
  }
}
