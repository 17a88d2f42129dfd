// The list of shortcuts: opened with Ctrl + /, with «?» where nothing is being written, and by its button.
import { Controller } from "@hotwired/stimulus";
import { whenAskedFor } from "../lib/dialogs.js";

const WRITES = "input, textarea, select, [contenteditable]";
const KEPT = "shortcuts:single-key"; // a key alone gets in the way of who dictates: it can be turned off, in this browser

export default class extends Controller {
  static targets = ["single"];

  connect() {
    this.unlisten = whenAskedFor("shortcuts", () => this.#open());
    try {
      this.singleTarget.checked = localStorage.getItem(KEPT) !== "off";
    } catch {
      // without storage it is on
    }
  }

  disconnect() {
    this.unlisten();
  }

  choose() {
    try {
      localStorage.setItem(KEPT, this.singleTarget.checked ? "on" : "off");
    } catch {
      // without storage it holds for this page
    }
  }

  key(event) {
    if (!this.#isChord(event) && !this.#isSingle(event)) return;
    event.preventDefault();
    this.#open();
  }

  close() {
    this.element.close();
  }

  #open() {
    if (!document.querySelector("dialog[open]")) this.element.showModal();
  }

  #isChord({ key, ctrlKey, metaKey, altKey }) {
    return key === "/" && (ctrlKey || metaKey) && !altKey;
  }

  #isSingle({ key, ctrlKey, metaKey, altKey, target }) {
    return key === "?" && this.singleTarget.checked && !ctrlKey && !metaKey && !altKey && !target.closest?.(WRITES);
  }
}
