// A suggestion fills the composer with a prompt, its first place to fill in selected; it does not send.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static values = { text: String };

  use() {
    this.dispatch("use", { detail: { text: this.textValue } });
  }
}
