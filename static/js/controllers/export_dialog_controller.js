// Asks in which form a conversation is exported: files of the server's, or paper.
import { Controller } from "@hotwired/stimulus";
import { whenAskedFor } from "../lib/dialogs.js";

export default class extends Controller {
  static targets = ["title", "file", "print"];

  connect() {
    this.unlisten = whenAskedFor("export", (asked) => this.#open(asked));
  }

  disconnect() {
    this.unlisten();
  }

  close() {
    this.element.close();
  }

  #open({ id, title }) {
    this.titleTarget.textContent = title;
    for (const link of this.fileTargets) link.href = `/c/${id}/export?format=${link.dataset.kind}`;
    this.printTarget.href = `/c/${id}?print=1`;
    this.element.showModal();
  }
}
