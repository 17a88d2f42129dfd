// Starts answers again: beside what there is, with the composer's model, another or the careful one; or where they stopped.
import { Controller } from "@hotwired/stimulus";
import { begun } from "couach/lib/begun";
import { cutFrom, questionOf } from "couach/lib/branch";
import { estimate } from "couach/lib/format";
import { toast } from "couach/lib/notices";
import { t } from "couach/lib/texts";
import { newAnswer } from "couach/lib/turns";

export default class extends Controller {
  static outlets = ["composer"];

  resumed = 0;

  // model: another than the composer's, which becomes the composer's too. What follows the answer is of its branch, and
  // leaves the page with it.
  regenerate({ target, params: { model } }) {
    if (this.composerOutlet.busyValue) return toast(t("still_writing"));
    const old = target.closest(".answer");
    const before = this.composerOutlet.choice.model;
    if (model) this.#choose(model);
    const { choice } = this.composerOutlet;
    const start = { url: `/api/messages/${old.dataset.messageId}/regenerate`, body: choice, repeatable: false };
    const fresh = newAnswer({ ...choice, request: start });
    const isLast = !old.nextElementSibling;
    const [list, question] = [old.parentElement, questionOf(old)];
    const putBack = cutFrom(old);
    begun.set(fresh, { undo: () => { fresh.remove(); putBack(); this.#choose(before); } });
    list.append(fresh);
    if (!isLast) this.dispatch("begun", { target: question });
    this.composerOutlet.focus();
  }

  resume({ target }) {
    const answer = target.closest(".answer");
    this.resumed += 1; // or the same answer, resumed again, would bring no news
    const start = { url: `/api/messages/${answer.dataset.messageId}/continue`, body: {}, repeatable: false, nth: this.resumed };
    answer.setAttribute("data-answer-request-value", JSON.stringify(start));
    this.composerOutlet.focus();
  }

  // How much longer the careful model takes here: written where answers are made, and under those that stand already.
  learn({ detail: { careful } }) {
    if (!careful) return;
    const words = careful.extra_s === null ? t("redo_careful") : t("redo_careful_in", { time: estimate(careful.extra_s) });
    for (const place of [document.getElementById("answer-template").content, this.element]) {
      for (const label of place.querySelectorAll("[data-part=redo-words]")) label.textContent = words;
    }
  }

  #choose(model) {
    this.dispatch("model", { detail: { model } });
  }
}
