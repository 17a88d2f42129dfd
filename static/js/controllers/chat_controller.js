// Conducts one conversation: sends questions, starts answers again, and tells the page what came of it.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { newClientId } from "couach/lib/ids";
import { announce } from "couach/lib/notices";
import { t, tn } from "couach/lib/texts";
import { drawLeftOut, newAnswer, newQuestion } from "couach/lib/turns";

export default class extends Controller {
  static targets = ["list"];
  static outlets = ["composer", "prepared", "problem"];
  static values = { conversation: String };

  initialize() {
    this.takeBack = new WeakMap(); // answer → how to undo what began it, should the server refuse
  }

  composerOutletConnected(composer) {
    composer.busyValue = this.#busy;
  }

  send({ detail }) {
    if (!this.#busy) return this.#ask(detail);
    this.preparedOutlet.hold(detail.content);
    this.composerOutlet.clear();
  }

  stop() {
    for (const answer of this.#running) this.dispatch("stop", { target: answer, bubbles: false });
  }

  regenerate({ target }) {
    const old = target.closest(".answer");
    const { model, think } = this.composerOutlet.choice;
    const url = `/api/messages/${old.dataset.messageId}/regenerate`;
    const fresh = newAnswer({ model, think, request: { url, body: { model, think }, repeatable: false } });
    this.takeBack.set(fresh, () => fresh.replaceWith(old));
    old.replaceWith(fresh);
    this.composerOutlet.focus();
  }

  resume({ target }) {
    const answer = target.closest(".answer");
    const url = `/api/messages/${answer.dataset.messageId}/continue`;
    answer.setAttribute("data-answer-request-value", JSON.stringify({ url, body: {}, repeatable: false }));
    this.composerOutlet.focus();
  }

  accepted({ target, detail: { conversation, user_message: question } }) {
    this.takeBack.delete(target);
    this.conversationValue = conversation.id;
    if (location.pathname !== conversation.url) history.pushState({}, "", conversation.url);
    this.dispatch("conversation", { detail: conversation });
    if (target.previousElementSibling.dataset.messageId) return; // a known question, answered once more
    target.previousElementSibling.dataset.messageId = question.id;
    this.composerOutlet.accepted(conversation.id);
    announce(t("announce_sent"));
  }

  refused({ target, detail: { error } }) {
    this.#giveUp(error, this.takeBack.get(target));
  }

  changed() {
    this.composerOutlet.busyValue = this.#busy;
  }

  over({ detail: { status } }) {
    this.changed();
    const content = this.preparedOutlet.take();
    if (!content) return;
    if (status === "done") this.#ask({ content, ...this.composerOutlet.choice });
    else this.composerOutlet.giveBack(content);
  }

  leftOut({ detail: { count, first_read: firstRead } }) {
    drawLeftOut(this.listTarget, firstRead, tn("left_out", count));
  }

  async #ask({ content, model, think }) {
    const question = this.listTarget.appendChild(newQuestion(content));
    const takeBack = () => this.#removeQuestion(question, content);
    this.element.classList.remove("is-empty");
    this.composerOutlet.sending(content);
    this.asking = true;
    this.changed();
    this.dispatch("asked", { target: question });
    try {
      this.conversationValue ||= (await request("/api/conversations", { method: "POST", body: { model } })).id;
      const body = { content, model, think, client_id: newClientId() };
      const url = `/api/conversations/${this.conversationValue}/messages`;
      const answer = newAnswer({ model, think, request: { url, body, repeatable: true } });
      this.takeBack.set(answer, takeBack);
      question.after(answer);
      this.asking = false;
    } catch (error) {
      this.#giveUp(error, takeBack);
    }
  }

  #removeQuestion(question, content) {
    if (question.nextElementSibling?.matches(".answer")) question.nextElementSibling.remove();
    question.remove();
    this.element.classList.toggle("is-empty", !this.listTarget.querySelector(".turn"));
    this.composerOutlet.refused(content);
  }

  #giveUp(error, takeBack = () => {}) {
    this.asking = false;
    takeBack();
    this.changed();
    if (error.name !== "AbortError") this.problemOutlet.show(error);
    this.composerOutlet.giveBack(this.preparedOutlet.take());
    this.composerOutlet.focus();
  }

  get #running() {
    return [...this.listTarget.querySelectorAll(".answer[data-running]")];
  }

  get #busy() {
    return Boolean(this.asking) || this.#running.length > 0;
  }
}
