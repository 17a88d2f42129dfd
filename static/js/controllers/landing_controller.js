// A page that was opened for one of its messages, brought to the top on its own branch and marked; or to be printed.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";

const MARKED = 2500; // ms

export default class extends Controller {
  static values = { conversation: String };

  connect() {
    const asked = new URLSearchParams(location.search);
    const wanted = asked.get("message");
    if (asked.has("print")) this.#afterTheEnd(() => this.#print());
    if (!wanted) return;
    const turn = this.element.querySelector(`.turn[data-message-id="${CSS.escape(wanted)}"]`);
    if (turn) this.#afterTheEnd(() => this.#land(turn));
    else this.#switchTo(Number(wanted));
  }

  disconnect() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }

  // The thread first goes to its end, once it has its size: in the frame after this one.
  #afterTheEnd(run) {
    this.frame = requestAnimationFrame(() => { this.frame = requestAnimationFrame(run); });
  }

  #land(turn) {
    history.replaceState(history.state, "", location.pathname);
    turn.tabIndex = -1;
    turn.focus({ preventScroll: true });
    turn.classList.add("is-landed");
    this.timer = setTimeout(() => turn.classList.remove("is-landed"), MARKED);
    this.dispatch("found", { target: turn });
  }

  #print() {
    history.replaceState(history.state, "", location.pathname);
    window.print();
  }

  // It is on a branch that is not shown.
  async #switchTo(message) {
    try {
      await request(`/api/conversations/${this.conversationValue}/head`, { method: "PUT", body: { message_id: message } });
      location.reload();
    } catch (error) {
      history.replaceState(history.state, "", location.pathname);
      toast(sentence(error));
    }
  }
}
