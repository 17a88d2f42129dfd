// The open conversation in the top bar: its title, which appears with the first answer, and sharing it.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { openDialog } from "../lib/dialogs.js";
import { listen } from "../lib/listen.js";

export default class extends Controller {
  static targets = ["label", "heading", "space", "share"];
  static values = { product: String };

  connect() {
    const show = () => this.#show();
    this.unlisten = listen(conversation, { saved: show, branch: show, renamed: show });
  }

  disconnect() {
    this.unlisten();
  }

  share() {
    openDialog("share", { id: conversation.id, title: conversation.title });
  }

  // Of an emptied conversation nothing is left to be named.
  #show() {
    const { isEmpty, isSaved, title } = conversation;
    this.labelTarget.textContent = title;
    this.headingTarget.hidden = isEmpty || !isSaved;
    this.spaceTarget.hidden = !this.headingTarget.hidden;
    this.shareTarget.hidden = !isSaved;
    document.title = `${isEmpty ? this.spaceTarget.textContent : title} · ${this.productValue}`;
  }
}
