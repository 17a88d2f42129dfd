// Shows passing notices one above the other; each waits while the pointer or the focus is on it.
import { Controller } from "@hotwired/stimulus";
import { openModal } from "couach/lib/modal";
import { announce } from "couach/lib/notices";

export default class extends Controller {
  static targets = ["template"];

  show({ detail: { text, action, seconds, gone } }) {
    const toast = this.templateTarget.content.firstElementChild.cloneNode(true);
    toast.querySelector("[data-part=text]").textContent = text;
    if (!action) this.#drop(text);
    const leave = () => { toast.remove(); gone(); };
    this.#countDown(toast, seconds * 1000, leave);
    this.#offer(toast, action);
    this.#place.append(toast);
    announce(text);
  }

  // What is said already is not said beside itself.
  #drop(text) {
    [...this.#place.querySelectorAll(".toast")].find((shown) => shown.querySelector("[data-part=text]").textContent === text)?.remove();
  }

  // Inside the dialog that is open, until it closes.
  get #place() {
    const dialog = openModal();
    if (!dialog) return this.element;
    const here = dialog.querySelector(":scope > .toasts");
    if (here) return here;
    const place = document.createElement("div");
    place.className = "toasts";
    dialog.append(place);
    dialog.addEventListener("close", () => { this.element.append(...place.children); place.remove(); }, { once: true });
    return place;
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
