// Back and forward: an address that this page does not show, or a page kept by the browser, is drawn again by the server.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { path: String };

  moved({ detail: { url } }) {
    this.pathValue = url;
  }

  check(event) {
    if (event.persisted || location.pathname !== this.pathValue) location.reload();
  }
}
