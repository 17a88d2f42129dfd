// Leads back to the page's address of now: it may have changed since the server wrote the form.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["next"];

  write() {
    this.nextTarget.value = location.pathname + location.search;
  }
}
