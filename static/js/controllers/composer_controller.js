// The place to write: grows, sends, keeps drafts, and gives the text back when something refuses it.
import { Controller } from "@hotwired/stimulus";
import { withFiles } from "couach/lib/attachments";
import { Drafts } from "couach/lib/drafts";
import { toast } from "couach/lib/notices";
import { t } from "couach/lib/texts";

const TOUCH = "(pointer: coarse)"; // Enter breaks the line there: no Shift at hand

export default class extends Controller {
  static targets = ["text", "send", "stop", "hint", "model", "think"];
  static outlets = ["instructions", "problem"];
  static values = { conversation: String, owner: String, busy: Boolean, key: String };

  files = []; // long texts beside the one in the box
  made = new Map(); // what was sent → what it was made of, should it come back

  connect() {
    this.drafts = Drafts.forPerson(this.ownerValue);
    this.pending = null; // sent, and not yet the server's
    if (!this.textTarget.value) this.textTarget.value = this.drafts.read(this.conversationValue);
    this.#hold(this.drafts.files(this.conversationValue));
    window.addEventListener("beforeunload", this.#leaves);
    if (!matchMedia(TOUCH).matches) this.focus(); // a finger would see the keyboard jump up
  }

  disconnect() {
    window.removeEventListener("beforeunload", this.#leaves);
  }

  // No model is known yet while the engine is away: the server then takes its own default.
  get choice() {
    return { model: this.modelTarget.value || undefined, think: this.thinkTarget.value === "true" };
  }

  get content() {
    return withFiles(this.textTarget.value, this.files);
  }

  changed() {
    this.#grow();
    this.#saveDraft();
    this.#showButtons();
    this.dispatch("changed", { detail: { content: this.content } });
  }

  key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowUp") this.#recall(event);
    if (event.key !== "Enter" || event.altKey) return;
    const breaksLine = event.shiftKey || this.keyValue === "ctrl-enter" || matchMedia(TOUCH).matches;
    if (breaksLine && !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!event.repeat) this.submit(event);
  }

  async submit(event) {
    event.preventDefault();
    const content = this.content;
    if (!content.trim() || this.beginning || (this.pending !== null && !this.busyValue)) return;
    if (this.dispatch("leaving", { cancelable: true }).defaultPrevented) return;
    if (this.hasInstructionsOutlet && this.instructionsOutlet.pending && !(await this.#begin())) return;
    this.made.set(content, { text: this.textTarget.value, files: this.files });
    this.dispatch("send", { detail: { content, ...this.choice } });
    this.focus();
  }

  // Asks what was not written here; what is being written stays.
  ask({ detail: { content } }) {
    const { value } = this.textTarget;
    const { files } = this;
    this.dispatch("send", { detail: { content, ...this.choice } });
    this.textTarget.value = value;
    this.#hold(files);
  }

  // The second click of a double click on «send» lands on the button that takes its place.
  stop({ detail: clicks }) {
    if (clicks > 1) return;
    this.dispatch("stop");
    this.focus();
  }

  fill({ detail: { text } }) {
    this.textTarget.value = text;
    this.changed();
    this.focus();
    this.textTarget.setSelectionRange(text.length, text.length);
    this.dispatch("filled");
  }

  attach({ detail: { text } }) {
    this.#hold([...this.files, text]);
  }

  detach({ detail: { index } }) {
    this.#hold(this.files.toSpliced(index, 1));
  }

  focus() {
    this.textTarget.focus();
  }

  clear() {
    this.textTarget.value = "";
    this.#hold([]);
  }

  // The text has left; its draft stays until the server has it.
  sending(content) {
    this.pending = content;
    if (this.content === content) this.clear();
    else this.changed();
  }

  accepted(conversation) {
    this.drafts.clear(this.conversationValue);
    this.conversationValue = conversation;
    this.made.delete(this.pending);
    this.pending = null;
    this.changed();
  }

  refused(content) {
    this.pending = null;
    this.giveBack(content);
  }

  giveBack(content) {
    const { text, files } = this.made.get(content) ?? { text: content, files: [] };
    this.textTarget.value = [text, this.textTarget.value].filter((part) => part.trim()).join("\n\n");
    this.#hold([...files, ...this.files]);
  }

  busyValueChanged(busy) {
    this.textTarget.placeholder = t(busy ? "write_next" : "write");
    this.#showHint();
    if (this.drafts) this.#showButtons();
  }

  // Without a connection nobody knows whether the answer goes on.
  connection({ detail: { isLost } }) {
    this.isCutOff = isLost;
    this.#showHint();
  }

  // A conversation that has instructions before its first question is made before that leaves.
  async #begin() {
    this.beginning = true;
    try {
      const conversation = await this.instructionsOutlet.settle(this.choice.model);
      document.querySelector("[data-chat-conversation-value]").setAttribute("data-chat-conversation-value", conversation);
      return true;
    } catch (error) {
      this.problemOutlet.show(error);
      return false;
    } finally {
      this.beginning = false;
    }
  }

  #showHint() {
    this.hintTarget.textContent = t(this.busyValue && !this.isCutOff ? "hint_running" : "hint");
  }

  #hold(files) {
    this.files = files;
    this.dispatch("files", { detail: { files } });
    this.changed();
  }

  #recall(event) {
    const last = [...document.querySelectorAll(".question")].at(-1);
    if (!last || this.textTarget.value || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.textTarget.value = last.textContent;
    this.changed();
  }

  // While an answer runs, a finger still needs a way to prepare what comes next; a keyboard has Enter.
  #showButtons() {
    const blank = !this.textTarget.value.trim() && !this.files.length;
    this.stopTarget.hidden = !this.busyValue;
    this.sendTarget.hidden = this.busyValue && (blank || !matchMedia(TOUCH).matches);
    this.sendTarget.disabled = blank;
  }

  #saveDraft() {
    const text = [this.pending, this.textTarget.value].filter(Boolean).join("\n\n");
    const kept = this.drafts.write(this.conversationValue, text, this.files);
    if (!kept && !this.told) toast(t("draft_memory"));
    this.told ||= !kept;
    this.unkept = !kept;
  }

  #leaves = (event) => {
    if (this.unkept) event.preventDefault();
  };

  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.textTarget.style.setProperty("height", "auto");
    this.textTarget.style.setProperty("height", `${this.textTarget.scrollHeight}px`);
  }
}
