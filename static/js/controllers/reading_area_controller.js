// The reading area's own clicks and copies: the heads of code blocks, folded questions, pasted texts, and a selection that pastes well
// into documents.
import { Controller } from "@hotwired/stimulus";
import { excerptOf } from "../lib/clean_html.js";
import { useCode } from "../lib/code_blocks.js";
import { openPasted, unfold } from "../lib/fold.js";

export default class extends Controller {
  click({ target }) {
    const button = target.closest("button[data-code], button[data-fold], button[data-pasted]");
    if (button) (button.dataset.code ? useCode : "pasted" in button.dataset ? openPasted : unfold)(button);
  }

  copy(event) {
    if (event.target.closest?.("textarea, input")) return;
    const excerpt = excerptOf(window.getSelection());
    if (!excerpt) return;
    event.preventDefault();
    event.clipboardData.setData("text/plain", excerpt.text);
    event.clipboardData.setData("text/html", excerpt.html);
  }
}
