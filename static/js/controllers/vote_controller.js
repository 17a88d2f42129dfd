// Choosing with the keys 1, 2 and 3, going on with Enter, and no vote sent twice.
import { Controller } from "@hotwired/stimulus";

const DIGIT = /^(?:Digit|Numpad)([1-9])$/; // the place of the key: French keyboards have digits with Shift only

export default class extends Controller {
  static targets = ["choice", "next"];

  key(event) {
    const number = event.code.match(DIGIT)?.[1] ?? event.key;
    const button = isFree(event) ? this.choiceTargets[number - 1] : null;
    if (!button) return;
    event.preventDefault();
    button.click();
  }

  // Where Enter has no other meaning.
  next(event) {
    if (event.key !== "Enter" || !isFree(event) || event.target.closest("a, button, summary, pre")) return;
    event.preventDefault();
    this.nextTarget.click();
  }

  once(event) {
    if (this.isSent) event.preventDefault();
    this.isSent = true;
  }

  // The page may come back as it was left.
  ready() {
    this.isSent = false;
  }
}

function isFree({ target, repeat, ctrlKey, altKey, metaKey }) {
  return !repeat && !ctrlKey && !altKey && !metaKey && !target.closest?.("input, textarea, select, [contenteditable], dialog");
}
