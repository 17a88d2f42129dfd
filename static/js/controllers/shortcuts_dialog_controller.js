// The list of shortcuts: opened with «?» wherever nothing is being written, and by its button.
import { Controller } from "@hotwired/stimulus";

const WRITES = "input, textarea, select, [contenteditable]";

export default class extends Controller {
  open() {
    if (!document.querySelector("dialog[open]")) this.element.showModal();
  }

  key(event) {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(WRITES)) return;
    event.preventDefault();
    this.open();
  }

  close() {
    this.element.close();
  }
}
