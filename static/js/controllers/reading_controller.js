// A text that the page has as it was written: laid out as the chat lays out answers.
import { Controller } from "@hotwired/stimulus";
import { isFrench } from "../lib/format.js";
import { MarkdownView } from "../lib/markdown_view.js";

export default class extends Controller {
  connect() {
    if (!this.element.classList.replace("raw", "prose-fr")) return;
    const text = this.element.textContent; // before the view makes room for its own
    new MarkdownView(this.element, { french: isFrench() }).finish(text);
  }
}
