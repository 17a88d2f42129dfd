// A suggestion fills the composer with the beginning of a question; it does not send.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { text: String };

  use() {
    this.dispatch("use", { detail: { text: `${this.textValue}\n\n` } });
  }
}
