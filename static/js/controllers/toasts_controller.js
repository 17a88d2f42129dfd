// Shows passing notices one above the other; each waits while the pointer or the focus is on it.
import { Controller } from "@hotwired/stimulus";
import { announce } from "couach/lib/notices";

export default class extends Controller {
  static targets = ["template"];

  show({ detail: { text, action, seconds, gone } }) {
    const toast = this.templateTarget.content.firstElementChild.cloneNode(true);
    toast.querySelector("[data-part=text]").textContent = text;
    const leave = () => { toast.remove(); gone(); };
    this.#countDown(toast, seconds * 1000, leave);
    this.#offer(toast, action);
    this.element.append(toast);
    announce(text);
  }

  #offer(toast, action) {
    const button = toast.querySelector("button");
    button.hidden = !action;
    if (!action) return;
    button.textContent = action.label;
    button.addEventListener("click", () => { toast.remove(); action.run(); }, { once: true });
  }

  #countDown(toast, left, leave) {
    let timer = setTimeout(leave, left);
    let since = performance.now();
    const hold = () => { clearTimeout(timer); left -= performance.now() - since; };
    const go = () => { clearTimeout(timer); since = performance.now(); if (toast.isConnected) timer = setTimeout(leave, left); };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", go);
    toast.addEventListener("focusout", go);
  }
}
