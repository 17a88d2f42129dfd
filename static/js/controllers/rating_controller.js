// Good or bad: a second press takes it back; a reason may be given, and is for the administrator.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { announce, toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { ratingOf, showRating } from "couach/lib/rating";
import { clone } from "couach/lib/templates";
import { t } from "couach/lib/texts";

export default class extends Controller {
  async give({ currentTarget, params: { good } }) {
    const article = currentTarget.closest(".answer");
    const before = ratingOf(article);
    const rating = before?.good === good ? null : { good, reason: "" };
    if (!(await this.#store(article, rating, before))) return;
    // By what is pressed now: a box that somebody writes in already stays when the first of two presses is stored.
    const box = article.querySelector(".reason");
    if (!ratingOf(article)) box?.remove();
    else if (!box) article.querySelector(".answer__foot").after(clone("reason-template"));
    announce(t(rating ? "announce_rated" : "announce_unrated"));
  }

  async explain(event) {
    event.preventDefault();
    const article = event.currentTarget.closest(".answer");
    const before = ratingOf(article);
    const reason = article.querySelector("[data-part=reason]").value;
    if (!(await this.#store(article, { ...before, reason }, before))) return;
    this.#end(article);
    toast(t("reason_kept"));
  }

  // Escape here does not also stop the answer.
  close(event) {
    event.preventDefault();
    this.#end(event.currentTarget.closest(".answer"));
  }

  // Shown at once, and taken back if the server does not have it.
  async #store(article, rating, before) {
    showRating(article, rating);
    const url = `/api/messages/${article.dataset.messageId}/rating`;
    try {
      await request(url, rating ? { method: "PUT", body: rating } : { method: "DELETE" });
      return true;
    } catch (error) {
      showRating(article, before);
      toast(sentence(error));
      return false;
    }
  }

  #end(article) {
    article.querySelector(".reason")?.remove();
    article.querySelector("[data-part][aria-pressed=true]")?.focus();
  }
}
