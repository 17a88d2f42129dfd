// What is done with a turn: another answer, going on, another version, removal, a copy elsewhere, a rating.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { listen } from "../lib/listen.js";
import { focusMessageBox } from "../lib/message_box.js";
import { announce, toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { showRating } from "../lib/rating.js";
import { clone } from "../lib/templates.js";
import { t } from "../lib/texts.js";
import { articleOf, messageOf } from "../lib/turns.js";

const UNDO = 8; // seconds
const nextFrame = () => new Promise(requestAnimationFrame);

export default class extends Controller {
  connect() {
    this.unlisten = listen(conversation, { rated: ({ answer }) => showRating(articleOf(answer), answer.rating) });
  }

  disconnect() {
    this.unlisten();
  }

  // model: another than the composer's, which becomes the composer's too.
  regenerate({ target, params: { model } }) {
    if (conversation.isBusy) return toast(t("still_writing"));
    conversation.regenerate(messageOf(target), model);
    focusMessageBox();
  }

  resume({ target }) {
    conversation.resume(messageOf(target));
    focusMessageBox();
  }

  async showVersion({ currentTarget, params: { step } }) {
    await this.#attempt(async () => {
      const { id, place, count } = await conversation.showVersion(messageOf(currentTarget), step);
      announce(t("announce_version", { n: place + 1, count }));
      await nextFrame(); // the turn's own controllers have come
      const control = this.element.querySelector(`.turn[data-message-id="${id}"] .versions`);
      const same = control?.querySelector(`[data-part=${currentTarget.dataset.part}]:enabled`);
      (same ?? control?.querySelector("button:enabled"))?.focus({ preventScroll: true });
    });
  }

  async remove({ currentTarget, detail: clicks }) {
    if (clicks > 1 || this.removing) return; // by then another turn may stand there
    if (conversation.isBusy) return toast(t("still_writing"));
    this.removing = true;
    await this.#attempt(async () => {
      const removed = await conversation.remove(conversation.questionOf(messageOf(currentTarget)));
      focusMessageBox();
      const run = () => this.#restore(removed);
      toast(t("turn_deleted"), { action: { label: t("undo"), run }, seconds: UNDO });
    });
    this.removing = false;
  }

  async branchOff({ currentTarget }) {
    if (this.leaving) return; // a second click would make a second copy
    this.leaving = true;
    const url = await this.#attempt(() => conversation.branchOff(messageOf(currentTarget)));
    if (url) location.assign(url);
    else this.leaving = false;
  }

  // Back on this page.
  stay() {
    this.leaving = false;
  }

  // A second press takes it back.
  async rate({ currentTarget, params: { good } }) {
    const answer = messageOf(currentTarget);
    const rating = answer.rating?.good === good ? null : { good, reason: "" };
    await this.#attempt(async () => {
      await conversation.rate(answer, rating);
      this.#askWhy(answer);
      announce(t(rating ? "announce_rated" : "announce_unrated"));
    });
  }

  // The reason is for the administrator.
  async explain(event) {
    event.preventDefault();
    const answer = messageOf(event.currentTarget);
    const reason = articleOf(answer).querySelector("[data-part=reason]").value;
    await this.#attempt(async () => {
      await conversation.rate(answer, { good: answer.rating?.good, reason });
      this.#closeReason(answer);
      toast(t("reason_kept"));
    });
  }

  // Escape here does not also stop the answer.
  closeReason(event) {
    event.preventDefault();
    this.#closeReason(messageOf(event.currentTarget));
  }

  // The menus in the foot of answers are made when they are first opened: a conversation may have hundreds of answers.
  openMenu({ currentTarget: button, params: { panel: name } }) {
    const place = button.parentElement;
    if (place.hasAttribute("data-controller")) return; // the button opens it by itself
    const panel = clone(name);
    place.append(panel);
    button.setAttribute("data-menu-target", "button");
    place.setAttribute("data-controller", "menu");
    requestAnimationFrame(() => panel.showPopover()); // once its controller is there
  }

  #restore(removed) {
    return this.#attempt(async () => {
      await conversation.restore(removed);
      focusMessageBox();
    });
  }

  // By what is pressed now: a box that somebody writes in already stays when the first of two presses is stored.
  #askWhy(answer) {
    const article = articleOf(answer);
    const box = article.querySelector(".reason");
    if (!answer.rating) box?.remove();
    else if (!box) article.querySelector(".answer__foot").after(clone("reason-template"));
  }

  #closeReason(answer) {
    const article = articleOf(answer);
    article.querySelector(".reason")?.remove();
    article.querySelector("[data-part][aria-pressed=true]")?.focus();
  }

  async #attempt(action) {
    try {
      return await action();
    } catch (error) {
      toast(sentence(error));
      return null;
    }
  }
}
