// The place to write: grows, sends, says what is wrong, and shows what waits for the end of the answer.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { nameOf, splitPasted } from "../lib/pasted_texts.js";
import { listen } from "../lib/listen.js";
import { focusMessageBox } from "../lib/message_box.js";
import { announce, toast } from "../lib/notices.js";
import { needsNewPage, sentence } from "../lib/problems.js";
import { t, tn } from "../lib/texts.js";

const TOUCH = "(pointer: coarse)"; // Enter breaks the line there: no Shift at hand

export default class extends Controller {
  static targets = ["form", "text", "send", "stop", "hint", "problem", "problemText", "reload", "queued", "queuedText"];
  static values = { key: String };

  connect() {
    this.listening = [
      listen(conversation.draft, { change: () => this.#showDraft() }),
      listen(conversation.queued, { change: () => this.#showQueued() }),
      listen(conversation, {
        activity: () => this.#showActivity(),
        connection: () => this.#showActivity(),
        asked: () => this.#showProblem(null),
        saved: ({ isNew }) => isNew && this.#showProblem(null),
        refused: ({ error, instead }) => this.#showRefusal(error, instead),
      }),
    ];
    window.addEventListener("beforeunload", this.#leaves);
    this.#showDraft();
    this.#showQueued();
    this.#showActivity();
    if (!matchMedia(TOUCH).matches) focusMessageBox(); // a finger would see the keyboard jump up
    this.#sendEarly();
  }

  disconnect() {
    this.listening.forEach((unlisten) => unlisten());
    window.removeEventListener("beforeunload", this.#leaves);
  }

  write() {
    conversation.draft.write(this.textTarget.value);
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

  submit(event) {
    event.preventDefault();
    const { draft, isBusy } = conversation;
    if (draft.isBlank || (draft.isOnItsWay && !isBusy)) return;
    if (this.dispatch("leaving", { cancelable: true }).defaultPrevented) return;
    conversation.send(draft.take());
    if (isBusy) announce(t("announce_prepared"));
    focusMessageBox();
  }

  // The second click of a double click on «send» lands on the button that takes its place.
  stop({ detail: clicks }) {
    if (clicks > 1) return;
    conversation.stop();
    focusMessageBox();
  }

  // What waits is text again.
  editQueued() {
    conversation.draft.giveBack(conversation.queued.take());
    focusMessageBox();
  }

  dropQueued() {
    conversation.queued.take();
    focusMessageBox();
  }

  rereadQueued() {
    conversation.queued.reread();
  }

  hideProblem() {
    this.#showProblem(null);
  }

  // What was sent before this was here.
  #sendEarly() {
    const isSent = this.formTarget.dataset.early === "sent";
    delete this.formTarget.dataset.early;
    if (isSent) this.formTarget.requestSubmit();
  }

  #showDraft() {
    const { draft } = conversation;
    if (this.textTarget.value !== draft.text) this.textTarget.value = draft.text;
    this.#warnOfLoss(draft);
    this.#showPlaceholder();
    this.#grow();
    this.#showButtons();
  }

  #showQueued() {
    const { queued } = conversation;
    const { text, pasted } = splitPasted(queued.text);
    const beside = [...pasted.map((_, index) => nameOf(pasted, index)), ...queued.documents.map(({ name }) => name)];
    this.queuedTextTarget.textContent = [text, ...beside].filter(Boolean).join(" · ");
    this.queuedTarget.hidden = !queued.text;
    this.#warnOfLoss(queued);
  }

  // Without a connection nobody knows whether the answer goes on.
  #showActivity() {
    const { isBusy, isCutOff } = conversation;
    this.#showPlaceholder();
    this.hintTarget.textContent = t(isBusy && !isCutOff ? "hint_running" : "hint");
    this.#showButtons();
  }

  #showPlaceholder() {
    const { draft: { documents: { all, pictures }, libraries }, isBusy } = conversation;
    const about = all.length === pictures.length ? "write_about_picture" : "write_about";
    const idle = libraries.length ? t("write_library") : all.length ? tn(about, all.length) : t("write");
    this.textTarget.placeholder = isBusy ? t("write_next") : idle;
  }

  // While an answer runs, a finger still needs a way to prepare what comes next; a keyboard has Enter.
  #showButtons() {
    const { draft, isBusy } = conversation;
    this.stopTarget.hidden = !isBusy;
    this.sendTarget.hidden = isBusy && (draft.isBlank || !matchMedia(TOUCH).matches);
    this.sendTarget.disabled = draft.isBlank;
  }

  #showRefusal(error, instead) {
    if (!instead) focusMessageBox();
    if (error.name !== "AbortError") this.#showProblem(error);
  }

  // Why the last question did not leave, and a fresh page when that would help.
  #showProblem(error) {
    this.problemTarget.hidden = error === null;
    if (error === null) return;
    this.problemTextTarget.textContent = sentence(error);
    this.reloadTarget.hidden = !needsNewPage(error);
    // Leads to the log-in and back where the session has ended; the draft is kept.
    this.reloadTarget.href = location.pathname;
    announce(sentence(error));
  }

  #recall(event) {
    const last = conversation.messages.findLast(({ role }) => role === "user");
    if (!last || this.textTarget.value || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    conversation.draft.giveBack({ content: last.content });
  }

  // Once: the storage does not keep what is written here.
  #warnOfLoss({ isKept }) {
    if (isKept || this.isWarned) return;
    this.isWarned = true;
    toast(t("draft_memory"));
  }

  #leaves = (event) => {
    if (!conversation.draft.isKept) event.preventDefault();
  };

  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.textTarget.style.setProperty("height", "auto");
    this.textTarget.style.setProperty("height", `${this.textTarget.scrollHeight}px`);
  }
}
