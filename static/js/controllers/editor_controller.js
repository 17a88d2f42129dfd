// Turns one's own question into a small editor: its words are saved, or sent again beside the old ones.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { announce } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { clone } from "couach/lib/templates";
import { t } from "couach/lib/texts";

export default class extends Controller {
  open({ currentTarget }) {
    const turn = currentTarget.closest(".turn");
    const form = clone("editor-template");
    const text = form.querySelector("textarea");
    text.value = this.#part(turn, "content").textContent;
    this.#part(form, "note").hidden = !turn.nextElementSibling?.querySelector("[data-part=text]")?.textContent;
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
    try {
      const saved = await request(`/api/messages/${turn.dataset.messageId}`, { method: "PATCH", body: { content } });
      this.#part(turn, "content").textContent = saved.content;
      this.#part(turn, "edited").hidden = !saved.edited_at;
      this.#end(turn);
      announce(t("announce_saved"));
    } catch (error) {
      this.#tell(turn, sentence(error));
    }
  }

  again(event) {
    event.preventDefault();
    const turn = event.currentTarget.closest(".turn");
    const content = this.#textOf(turn);
    if (!content) return;
    if (this.element.querySelector(".answer[data-running]")) this.#tell(turn, t("still_writing"));
    else this.dispatch("again", { target: turn, detail: { content } });
  }

  #textOf(turn) {
    const text = turn.querySelector("textarea");
    this.#part(turn, "problem").hidden = true;
    if (text.value.trim()) return text.value;
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
