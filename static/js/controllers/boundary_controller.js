// Draws the line above the first message that the model still reads, with the ways on: a summary, a new start, or neither.
import { Controller } from "@hotwired/stimulus";
import { isLong } from "couach/lib/attachments";
import { Drafts } from "couach/lib/drafts";
import { toast } from "couach/lib/notices";
import { t, tn } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["list", "template", "choices"];

  connect() {
    this.element.addEventListener("answer:over", this.#over);
    const line = this.listTarget.querySelector(".left-out");
    if (line) this.#offer(line);
  }

  disconnect() {
    this.element.removeEventListener("answer:over", this.#over);
  }

  draw({ detail: { count, first_read: firstRead } }) {
    this.listTarget.querySelector(".left-out")?.remove();
    const line = this.templateTarget.content.firstElementChild.cloneNode(true);
    line.querySelector("[data-part=words]").textContent = tn("left_out", count);
    this.listTarget.querySelector(`[data-message-id="${firstRead}"]`)?.before(line);
    if (this.leftAt !== count) this.#offer(line);
    this.count = count;
  }

  summarise() {
    this.dispatch("ask", { detail: { content: t("summary_question") } });
  }

  beginAnew() {
    this.awaiting = true;
    toast(t("summary_coming"));
    this.summarise();
  }

  // The choices go; they come back where the line moves on.
  goOn({ currentTarget }) {
    this.leftAt = this.count;
    currentTarget.closest(".left-out__choices").remove();
    document.getElementById("message").focus();
  }

  #offer(line) {
    line.append(this.choicesTarget.content.firstElementChild.cloneNode(true));
  }

  // The summary that was waited for; other answers may end before it.
  #over = ({ target, detail: { status } }) => {
    const question = target.previousElementSibling?.querySelector(".question")?.textContent;
    if (!this.awaiting || question !== t("summary_question")) return;
    this.awaiting = false;
    const { content } = this.application.getControllerForElementAndIdentifier(target, "answer").run.state;
    if (status === "done" && content) this.#beginWith(content);
    else toast(t("summary_failed"));
  };

  #beginWith(summary) {
    const drafts = Drafts.forPerson(document.querySelector("[data-composer-owner-value]").dataset.composerOwnerValue);
    const folded = isLong(summary);
    const text = [t("summary_lead"), folded ? "" : summary, drafts.read("")].filter(Boolean).join("\n\n");
    const kept = drafts.write("", `${text}\n\n`, folded ? [summary, ...drafts.files("")] : drafts.files(""));
    if (kept) location.assign("/");
    else toast(t("draft_memory"));
  }
}
