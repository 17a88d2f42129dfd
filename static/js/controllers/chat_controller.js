// Conducts one conversation: sends questions, and tells the page what came of them and of answers begun again.
import { Controller } from "@hotwired/stimulus";
import { begun } from "couach/lib/begun";
import { cutFrom, parentOf } from "couach/lib/branch";
import { request } from "couach/lib/http";
import { newClientId } from "couach/lib/ids";
import { announce } from "couach/lib/notices";
import { t } from "couach/lib/texts";
import { newAnswer, newQuestion } from "couach/lib/turns";
import { setVersions } from "couach/lib/versions";

const BEHIND = ["conversation_moved", "unknown_parent"]; // another page went on, or took the end away

export default class extends Controller {
  static targets = ["list"];
  static outlets = ["composer", "prepared", "problem"];
  static values = { conversation: String };

  composerOutletConnected(composer) {
    composer.busyValue = this.#busy;
  }

  send({ detail }) {
    if (!this.#busy) return this.#ask(detail);
    this.preparedOutlet.hold(detail.content);
    this.composerOutlet.clear();
  }

  stop() {
    this.asking?.abort();
    for (const answer of this.#running) this.dispatch("stop", { target: answer, bubbles: false });
  }

  // A question in other words: it takes the old one's place, with all that followed, unless the server refuses it.
  again({ target: old, detail: { content } }) {
    const putBack = cutFrom(old);
    this.composerOutlet.focus();
    this.#ask({ content, ...this.composerOutlet.choice }, () => { putBack(); old.querySelector("textarea").focus(); });
  }

  accepted({ target, detail: { conversation, user_message: asked, message } }) {
    const { question, ofComposer } = begun.get(target) ?? {};
    const isOfHere = begun.delete(target);
    if (isOfHere) setVersions(target, message.siblings);
    this.conversationValue = conversation.id;
    if (location.pathname !== conversation.url) history.pushState({}, "", conversation.url);
    this.dispatch("conversation", { detail: conversation });
    if (isOfHere) this.dispatch("began");
    if (!question) return; // answered once more
    question.dataset.messageId = asked.id;
    setVersions(question, asked.siblings);
    if (ofComposer) this.composerOutlet.accepted(conversation.id);
    announce(t("announce_sent"));
  }

  refused({ target, detail: { error } }) {
    this.#giveUp(error, begun.get(target)?.undo);
  }

  changed() {
    this.composerOutlet.busyValue = this.#busy;
  }

  over({ detail: { status } }) {
    this.changed();
    const { content, id } = this.preparedOutlet.take();
    if (content && status === "done") this.#ask({ content, id, ...this.composerOutlet.choice });
    else if (content) this.composerOutlet.giveBack(content);
  }

  // At the end of the branch that is on the page, whatever another page shows; refused where that has gone on meanwhile.
  // undone: of a question that is not the composer's.
  async #ask({ content, model, think, id = newClientId() }, undone = null) {
    const ofComposer = !undone;
    const question = this.listTarget.appendChild(newQuestion(content));
    const undo = () => this.#removeQuestion(question, undone ?? (() => this.composerOutlet.refused(content)));
    this.element.classList.remove("is-empty");
    if (ofComposer) this.composerOutlet.sending(content);
    this.asking = new AbortController(); // until there is an answer that can be stopped
    this.changed();
    this.dispatch("asked", { target: question });
    try {
      this.conversationValue ||= (await request("/api/conversations", { method: "POST", body: { model }, signal: this.asking.signal })).id;
      const body = { content, model, think, client_id: id, parent_id: parentOf(question), at_end: ofComposer };
      const url = `/api/conversations/${this.conversationValue}/messages`;
      const answer = newAnswer({ model, think, request: { url, body, repeatable: true } });
      begun.set(answer, { question, undo, ofComposer });
      question.after(answer);
      this.asking = null;
    } catch (error) {
      this.#giveUp(error, undo);
    }
  }

  #removeQuestion(question, undone) {
    if (question.nextElementSibling?.matches(".answer")) question.nextElementSibling.remove();
    question.remove();
    undone();
    this.element.classList.toggle("is-empty", !this.listTarget.querySelector(".turn"));
  }

  #giveUp(error, undo = () => {}) {
    this.asking = null;
    this.composerOutlet.focus();
    undo();
    this.changed();
    if (error.name !== "AbortError") this.problemOutlet.show(error);
    if (BEHIND.includes(error.code)) this.dispatch("behind");
    this.composerOutlet.giveBack(this.preparedOutlet.take().content);
  }

  get #running() {
    return [...this.listTarget.querySelectorAll(".answer[data-running]")];
  }

  get #busy() {
    return Boolean(this.asking || this.#running.length);
  }
}
