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

  renamed({ detail: { id, title } }) {
    if (id === this.element.dataset.renameIdValue) this.#entitle(title);
  }

  #entitle(title) {
    document.title = `${title} · ${this.productValue}`;
  }
}
