// Asks in which form a conversation is exported: files of the server's, or paper.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["title", "file", "print"];

  open({ detail: { id, title } }) {
    this.titleTarget.textContent = title;
    for (const link of this.fileTargets) link.href = `/c/${id}/export?format=${link.dataset.kind}`;
    this.printTarget.href = `/c/${id}?print=1`;
    this.element.showModal();
  }

  close() {
    this.element.close();
  }
}
