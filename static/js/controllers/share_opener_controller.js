// The top bar's button for sharing the open conversation; it is there once there is one.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { conversation: String, title: String };

  open() {
    this.dispatch("share", { target: window, detail: { id: this.conversationValue, title: this.titleValue } });
  }

  moved({ detail: { id, title } }) {
    this.conversationValue = id;
    this.titleValue = title;
    this.element.hidden = false;
  }

  renamed({ detail: { id, title } }) {
    if (id === this.conversationValue) this.titleValue = title;
  }
}
