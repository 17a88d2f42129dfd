// The title of the open conversation in the top bar: it appears with the first answer.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["label", "heading", "space"];
  static values = { product: String };

  show({ detail: { id, title } }) {
    this.element.setAttribute("data-rename-id-value", id);
    this.labelTarget.textContent = title;
    this.headingTarget.hidden = false;
    this.spaceTarget.hidden = true;
    this.#entitle(title);
  }

  // Of an emptied conversation nothing is left to be named.
  branch({ detail: conversation }) {
    const isEmpty = !conversation.messages.length;
    if (!isEmpty && this.headingTarget.hidden) this.show({ detail: conversation });
    this.headingTarget.hidden = isEmpty;
    this.spaceTarget.hidden = !isEmpty;
    if (isEmpty) this.#entitle(this.spaceTarget.textContent);
  }

  renamed({ detail: { id, title } }) {
    if (id === this.element.dataset.renameIdValue) this.#entitle(title);
  }

  #entitle(title) {
    document.title = `${title} · ${this.productValue}`;
  }
}
