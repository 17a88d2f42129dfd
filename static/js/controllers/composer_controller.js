// The place to write: grows, sends, keeps drafts, and gives the text back when something refuses it.
import { Controller } from "@hotwired/stimulus";
import { Drafts } from "couach/lib/drafts";
import { t } from "couach/lib/texts";

const TOUCH = "(pointer: coarse)"; // Enter breaks the line there: no Shift at hand

export default class extends Controller {
  static targets = ["text", "send", "stop", "hint", "model", "think"];
  static values = { conversation: String, owner: String, busy: Boolean };

  connect() {
    this.drafts = Drafts.forPerson(this.ownerValue);
    this.pending = null; // sent, and not yet the server's
    if (!this.textTarget.value) this.textTarget.value = this.drafts.read(this.conversationValue);
    this.changed();
    if (!matchMedia(TOUCH).matches) this.focus(); // a finger would see the keyboard jump up
  }

  // No model is known yet while the engine is away: the server then takes its own default.
  get choice() {
    return { model: this.modelTarget.value || undefined, think: this.thinkTarget.value === "true" };
  }

  changed() {
    this.#grow();
    this.#saveDraft();
    this.#showButtons();
  }

  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    if (matchMedia(TOUCH).matches) return;
    event.preventDefault();
    this.submit(event);
  }

  submit(event) {
    event.preventDefault();
    const content = this.textTarget.value;
    if (!content.trim() || (this.pending !== null && !this.busyValue)) return;
    this.dispatch("send", { detail: { content, ...this.choice } });
    this.textTarget.focus();
  }

  // The second click of a double click on «send» lands on the button that takes its place.
  stop({ detail: clicks }) {
    if (clicks > 1) return;
    this.dispatch("stop");
    this.textTarget.focus();
  }

  fill({ detail: { text } }) {
    this.textTarget.value = text;
    this.changed();
    this.focus();
    this.textTarget.setSelectionRange(text.length, text.length);
  }

  focus() {
    this.textTarget.focus();
  }

  clear() {
    this.textTarget.value = "";
    this.changed();
  }

  // The text has left; its draft stays until the server has it.
  sending(content) {
    this.pending = content;
    if (this.textTarget.value === content) this.textTarget.value = "";
    this.changed();
  }

  accepted(conversation) {
    this.drafts.clear(this.conversationValue);
    this.conversationValue = conversation;
    this.pending = null;
    this.changed();
  }

  refused(content) {
    this.pending = null;
    this.giveBack(content);
  }

  giveBack(content) {
    this.textTarget.value = [content, this.textTarget.value].filter((text) => text.trim()).join("\n\n");
    this.changed();
  }

  busyValueChanged(busy) {
    this.textTarget.placeholder = t(busy ? "write_next" : "write");
    this.hintTarget.textContent = t(busy ? "hint_running" : "hint");
    if (this.drafts) this.#showButtons();
  }

  // While an answer runs, a finger still needs a way to prepare what comes next; a keyboard has Enter.
  #showButtons() {
    const blank = !this.textTarget.value.trim();
    this.stopTarget.hidden = !this.busyValue;
    this.sendTarget.hidden = this.busyValue && (blank || !matchMedia(TOUCH).matches);
    this.sendTarget.disabled = blank;
  }

  #saveDraft() {
    const text = [this.pending, this.textTarget.value].filter(Boolean).join("\n\n");
    this.drafts.write(this.conversationValue, text);
  }

  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.textTarget.style.setProperty("height", "auto");
    this.textTarget.style.setProperty("height", `${this.textTarget.scrollHeight}px`);
  }
}
