// Tells the server that the end of the open conversation was seen, once it is before somebody's eyes.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";

export default class extends Controller {
  static values = { conversation: String, unread: Boolean };

  connect() {
    this.mark();
  }

  moved({ detail: { id } }) {
    this.conversationValue = id;
  }

  ended() {
    this.unreadValue = true;
    this.mark();
  }

  mark() {
    if (!this.unreadValue || document.visibilityState !== "visible") return;
    this.unreadValue = false;
    this.dispatch("marked", { detail: { id: this.conversationValue } });
    // Unsaid, the mark stays for another time: nothing is lost.
    request(`/api/conversations/${this.conversationValue}/seen`, { method: "POST" }).catch(() => {});
  }
}
