// Shows another branch of the conversation: another version, without a turn or with it again; or goes on with a copy elsewhere.
import { Controller } from "@hotwired/stimulus";
import { questionOf, showBranch } from "couach/lib/branch";
import { request } from "couach/lib/http";
import { announce, toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { t } from "couach/lib/texts";
import { placeOf, showVersions, versionsOf } from "couach/lib/versions";

const UNDO = 8; // seconds
const nextFrame = () => new Promise(requestAnimationFrame);

export default class extends Controller {
  static targets = ["list"];
  static values = { conversation: String };

  moved({ detail: { id } }) {
    this.conversationValue = id;
  }

  // While an answer is written the branch stays.
  settle() {
    for (const control of this.listTarget.querySelectorAll(".versions")) showVersions(control.closest(".turn"), this.#isWriting);
  }

  // The server's branch, where this page is behind it.
  renew() {
    return this.#refresh(() => true);
  }

  // What another page added to the branch shown here; of another branch nothing.
  goOn() {
    return this.#refresh(({ messages }) => {
      const shown = [...this.listTarget.querySelectorAll(":scope > .turn")];
      return shown.length < messages.length && shown.every((turn, place) => turn.dataset.messageId === String(messages[place].id));
    });
  }

  async turn({ currentTarget, params: { step } }) {
    const article = currentTarget.closest(".turn");
    const versions = versionsOf(article);
    const wanted = versions[placeOf(article) + step];
    await this.#attempt(async () => {
      this.#show(await this.#call("PUT", "head", { message_id: Number(wanted) }));
      announce(t("announce_version", { n: versions.indexOf(wanted) + 1, count: versions.length }));
      await nextFrame(); // the turn's own controllers have come
      const control = this.listTarget.querySelector(`.turn[data-message-id="${wanted}"] .versions`);
      const same = control?.querySelector(`[data-part=${currentTarget.dataset.part}]:enabled`);
      (same ?? control?.querySelector("button:enabled"))?.focus({ preventScroll: true });
    });
  }

  async remove({ currentTarget, detail: clicks }) {
    if (clicks > 1 || this.removing) return; // by then another turn may stand there
    if (this.#isWriting) {
      toast(t("still_writing"));
      return;
    }
    this.removing = true;
    const question = questionOf(currentTarget.closest(".turn"));
    await this.#attempt(async () => {
      const { removed, ...shown } = await request(`/api/messages/${question.dataset.messageId}`, { method: "DELETE" });
      this.#show(shown);
      this.dispatch("removed");
      const run = () => this.#putBack(removed);
      toast(t("turn_deleted"), { action: { label: t("undo"), run }, seconds: UNDO });
    });
    this.removing = false;
  }

  async off({ currentTarget }) {
    if (this.leaving) return; // a second click would make a second copy
    this.leaving = true;
    const { messageId } = currentTarget.closest(".turn").dataset;
    await this.#attempt(async () => {
      const { url } = await request(`/api/messages/${messageId}/branch`, { method: "POST" });
      addEventListener("pageshow", () => { this.leaving = false; }, { once: true }); // back on this page
      location.assign(url);
    }, () => { this.leaving = false; });
  }

  #putBack(removed) {
    return this.#attempt(async () => {
      this.#show(await this.#call("POST", "turns", removed));
      this.dispatch("removed");
    });
  }

  // The thread's owner makes the change, so that what is looked at stays where it is.
  #show(conversation) {
    const { messages } = conversation;
    this.dispatch("exchange", { detail: { change: () => showBranch(this.listTarget, messages) } });
    this.element.classList.toggle("is-empty", !messages.length);
    const leftOut = messages.at(-1)?.left_out;
    if (leftOut) this.dispatch("context", { detail: leftOut });
    this.dispatch("shown", { detail: conversation });
  }

  get #isWriting() {
    return this.listTarget.querySelector(".answer[data-running]") !== null;
  }

  #refresh(isWanted) {
    return this.#attempt(async () => {
      const conversation = await request(`/api/conversations/${this.conversationValue}`);
      if (!this.#isWriting && isWanted(conversation)) this.#show(conversation);
    });
  }

  #call(method, what, body) {
    return request(`/api/conversations/${this.conversationValue}/${what}`, { method, body });
  }

  async #attempt(action, failed = () => {}) {
    try {
      await action();
    } catch (error) {
      failed();
      toast(sentence(error));
    }
  }
}
