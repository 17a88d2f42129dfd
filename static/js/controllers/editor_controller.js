// Turns one's own question into a small editor: its words are saved, or sent again beside the old ones.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { splitPasted, withPasted } from "../lib/pasted_texts.js";
import { fold } from "../lib/fold.js";
import { listen } from "../lib/listen.js";
import { focusMessageBox } from "../lib/message_box.js";
import { announce } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { clone } from "../lib/templates.js";
import { t } from "../lib/texts.js";
import { articleOf, messageOf } from "../lib/turns.js";

export default class extends Controller {
  connect() {
    this.unlisten = listen(conversation, {
      refused: ({ instead }) => instead && articleOf(instead).querySelector("textarea").focus(),
    });
  }

  disconnect() {
    this.unlisten();
  }

  // From the question's own foot, or from its answer while that waits in the queue.
  open({ currentTarget }) {
    const question = conversation.questionOf(messageOf(currentTarget));
    const turn = articleOf(question);
    if (turn.classList.contains("is-edited")) return turn.querySelector("textarea").focus();
    const form = clone("editor-template");
    const text = form.querySelector("textarea");
    text.value = splitPasted(question.content).text;
    this.#part(form, "note").hidden = !conversation.next(question)?.run.state.content;
    this.dispatch("open");
    this.#part(turn, "content").after(form);
    turn.classList.add("is-edited");
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
  }

  // Escape here does not also stop the answer.
  close(event) {
    event.preventDefault();
    this.#end(event.currentTarget.closest(".turn"));
  }

  async save({ currentTarget }) {
    const turn = currentTarget.closest(".turn");
    const content = this.#textOf(turn);
    if (!content) return;
    const question = messageOf(turn);
    try {
      await conversation.correct(question, content);
      this.#part(turn, "content").textContent = question.content;
      fold(turn);
      this.#part(turn, "edited").hidden = !question.editedAt;
      this.#end(turn);
      announce(t("announce_saved"));
    } catch (error) {
      this.#tell(turn, sentence(error));
    }
  }

  // An answer to the old words, in the queue or being written, is given up first; another one is waited for.
  async sendAgain(event) {
    event.preventDefault();
    const turn = event.currentTarget.closest(".turn");
    const question = messageOf(turn);
    const content = this.#textOf(turn);
    if (!content || this.stopping) return; // sent twice, it is asked once
    const { running } = conversation;
    if (running && running !== conversation.next(question)) return this.#tell(turn, t("still_writing"));
    if (running && !(await this.#stop())) return;
    if (!turn.classList.contains("is-edited")) return; // given up meanwhile
    if (conversation.isBusy) return this.#tell(turn, t("still_writing"));
    focusMessageBox();
    conversation.edit(question, content);
  }

  async #stop() {
    this.stopping = true;
    const isStopped = await conversation.stop();
    this.stopping = false;
    return isStopped;
  }

  // What was pasted stays beside the words.
  #textOf(turn) {
    const text = turn.querySelector("textarea");
    const { pasted } = splitPasted(messageOf(turn).content);
    this.#part(turn, "problem").hidden = true;
    if (text.value.trim() || pasted.length) return withPasted(text.value, pasted);
    text.focus();
    return "";
  }

  #tell(turn, words) {
    const problem = this.#part(turn, "problem");
    problem.textContent = words;
    problem.hidden = false;
  }

  #end(turn) {
    turn.querySelector(".editor")?.remove();
    turn.classList.remove("is-edited");
    this.#part(turn, "edit").focus();
  }

  #part(element, name) {
    return element.querySelector(`[data-part=${name}]`);
  }
}
