// Conducts one conversation: sends questions, starts answers again, and tells the page what came of it.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { newClientId } from "couach/lib/ids";
import { announce } from "couach/lib/notices";
import { t } from "couach/lib/texts";
import { newAnswer, newQuestion } from "couach/lib/turns";

export default class extends Controller {
  static targets = ["list"];
  static outlets = ["composer", "prepared", "problem"];
  static values = { conversation: String };

  begun = new WeakMap(); // answer → { question, undo }: what began it, and how to take it back if the server refuses

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

  regenerate({ target }) {
    const old = target.closest(".answer");
    const choice = this.composerOutlet.choice;
    const start = { url: `/api/messages/${old.dataset.messageId}/regenerate`, body: choice, repeatable: false };
    const fresh = newAnswer({ ...choice, request: start });
    this.begun.set(fresh, { undo: () => fresh.replaceWith(old) });
    old.replaceWith(fresh);
    this.composerOutlet.focus();
  }

  resume({ target }) {
    const answer = target.closest(".answer");
    const start = { url: `/api/messages/${answer.dataset.messageId}/continue`, body: {}, repeatable: false };
    answer.setAttribute("data-answer-request-value", JSON.stringify(start));
    this.composerOutlet.focus();
  }

  accepted({ target, detail: { conversation, user_message: stored } }) {
    const { question } = this.begun.get(target) ?? {};
    this.begun.delete(target);
    this.conversationValue = conversation.id;
    if (location.pathname !== conversation.url) history.pushState({}, "", conversation.url);
    this.dispatch("conversation", { detail: conversation });
    if (!question) return; // answered once more
    question.dataset.messageId = stored.id;
    this.composerOutlet.accepted(conversation.id);
    announce(t("announce_sent"));
  }

  refused({ target, detail: { error } }) {
    this.#giveUp(error, this.begun.get(target)?.undo);
  }

  changed() {
    this.composerOutlet.busyValue = this.#busy;
  }

  over({ detail: { status } }) {
    this.changed();
    const content = this.preparedOutlet.take();
    if (content && status === "done") this.#ask({ content, ...this.composerOutlet.choice });
    else if (content) this.composerOutlet.giveBack(content);
  }

  async #ask({ content, model, think }) {
    const question = this.listTarget.appendChild(newQuestion(content));
    const undo = () => this.#removeQuestion(question, content);
    this.element.classList.remove("is-empty");
    this.composerOutlet.sending(content);
    this.asking = new AbortController(); // until there is an answer that can be stopped
    this.changed();
    this.dispatch("asked", { target: question });
    try {
      this.conversationValue ||= (await request("/api/conversations", { method: "POST", body: { model }, signal: this.asking.signal })).id;
      const body = { content, model, think, client_id: newClientId() };
      const url = `/api/conversations/${this.conversationValue}/messages`;
      const answer = newAnswer({ model, think, request: { url, body, repeatable: true } });
      this.begun.set(answer, { question, undo });
      question.after(answer);
      this.asking = null;
    } catch (error) {
      this.#giveUp(error, undo);
    }
  }

  #removeQuestion(question, content) {
    if (question.nextElementSibling?.matches(".answer")) question.nextElementSibling.remove();
    question.remove();
    this.element.classList.toggle("is-empty", !this.listTarget.querySelector(".turn"));
    this.composerOutlet.refused(content);
  }

  #giveUp(error, undo = () => {}) {
    this.asking = null;
    undo();
    this.changed();
    if (error.name !== "AbortError") this.problemOutlet.show(error);
    this.composerOutlet.giveBack(this.preparedOutlet.take());
    this.composerOutlet.focus();
  }

  get #running() {
    return [...this.listTarget.querySelectorAll(".answer[data-running]")];
  }

  get #busy() {
    return Boolean(this.asking || this.#running.length);
  }
}
