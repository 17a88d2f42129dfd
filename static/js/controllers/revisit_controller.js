// Back and forward: an address that this page does not show, or a page kept by the browser, is drawn again by the server.
// Another page of this browser that went on with the same conversation is heard.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { path: String };

  connect() {
    this.others = new BroadcastChannel("conversations");
    this.others.onmessage = ({ data }) => {
      this.isBehind ||= data === this.pathValue;
      this.look();
    };
  }

  disconnect() {
    this.others.close();
  }

  moved({ detail: { url } }) {
    this.pathValue = url;
  }

  check(event) {
    if (event.persisted || location.pathname !== this.pathValue) location.reload();
  }

  tell() {
    this.others.postMessage(this.pathValue);
  }

  // Not before somebody looks, as an answer that is followed holds one of the browser's few connections; nor while one is
  // written here.
  look() {
    if (!this.isBehind || document.hidden || this.element.querySelector(".answer[data-running]")) return;
    this.isBehind = false;
    this.dispatch("behind");
  }
}
