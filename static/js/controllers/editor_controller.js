// Turns one's own question into a small editor: its words are saved, or sent again beside the old ones.
import { Controller } from "@hotwired/stimulus";
import { questionOf } from "couach/lib/branch";
import { fold } from "couach/lib/fold";
import { request } from "couach/lib/http";
import { announce } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { clone } from "couach/lib/templates";
import { t } from "couach/lib/texts";

export default class extends Controller {
  // From the question's own foot, or from its answer while that waits in the queue.
  open({ currentTarget }) {
    const turn = questionOf(currentTarget.closest(".turn"));
    if (turn.classList.contains("is-edited")) return turn.querySelector("textarea").focus();
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
      fold(turn);
      this.#part(turn, "edited").hidden = !saved.edited_at;
      this.#end(turn);
      announce(t("announce_saved"));
    } catch (error) {
      this.#tell(turn, sentence(error));
    }
  }

  // An answer to the old words, in the queue or being written, is given up first; another one is waited for.
  async again(event) {
    event.preventDefault();
    const turn = event.currentTarget.closest(".turn");
    const content = this.#textOf(turn);
    if (!content || this.stopping) return; // sent twice, it is asked once
    const running = this.#running;
    if (running && running !== turn.nextElementSibling) return this.#tell(turn, t("still_writing"));
    if (running && !await this.#stopped(running)) return;
    if (!turn.classList.contains("is-edited")) return; // given up meanwhile
    if (this.#running) return this.#tell(turn, t("still_writing"));
    this.dispatch("again", { target: turn, detail: { content } });
  }

  // Whether it was: the server may refuse.
  async #stopped(answer) {
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    const isOver = new Promise((resolve) => {
      answer.addEventListener("answer:over", () => resolve(true), { signal });
      for (const name of ["answer:unstopped", "answer:refused"]) answer.addEventListener(name, () => resolve(false), { signal });
    });
    this.dispatch("stop");
    const stopped = await isOver;
    this.stopping.abort();
    this.stopping = null;
    return stopped;
  }

  get #running() {
    return this.element.querySelector(".answer[data-running]");
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
