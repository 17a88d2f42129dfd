// Leads through the placeholders of a prompt: Tab goes on, a touch selects one, none is forgotten.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { listen } from "../lib/listen.js";
import { announce, toast } from "../lib/notices.js";
import { placeholderAt, placeholderBeside, placeholdersOf } from "../lib/placeholders.js";
import { t } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["text"];

  connect() {
    this.unlisten = listen(conversation.draft, { fill: () => this.#begin() });
  }

  disconnect() {
    this.unlisten();
  }

  // At the ends the focus leaves as always.
  key(event) {
    if (!this.filling || event.key !== "Tab" || event.ctrlKey || event.altKey || event.metaKey) return;
    const { value, selectionStart: start, selectionEnd: end } = this.textTarget;
    const placeholder = placeholderBeside(value, { start, end }, event.shiftKey);
    if (!placeholder) return;
    event.preventDefault();
    this.#select(placeholder);
  }

  touched() {
    const { value, selectionStart, selectionEnd } = this.textTarget;
    if (this.filling && selectionStart === selectionEnd) this.#select(placeholderAt(value, selectionStart));
  }

  // Once: who sends again means it.
  check(event) {
    const [placeholder] = this.filling ? placeholdersOf(this.textTarget.value) : [];
    if (!placeholder || this.said) {
      this.filling = false;
      return;
    }
    event.preventDefault();
    this.said = true;
    this.#select(placeholder);
    toast(t("places_left", { name: placeholder.name }));
  }

  // A prompt has just been filled in; what people write themselves in double braces is theirs.
  #begin() {
    const { value } = this.textTarget;
    this.filling = true;
    this.said = false;
    this.textTarget.focus();
    this.textTarget.setSelectionRange(value.length, value.length);
    this.#select(placeholdersOf(value)[0]);
  }

  #select(placeholder) {
    if (!placeholder) return;
    this.textTarget.focus();
    this.textTarget.setSelectionRange(placeholder.start, placeholder.end);
    announce(t("place_to_fill", { name: placeholder.name }));
  }
}
