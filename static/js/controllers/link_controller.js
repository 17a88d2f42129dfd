// An address in a row, for the row's copy button.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["address"];
  static values = { address: String };

  provide({ detail }) {
    Object.assign(detail, { text: this.addressValue, element: this.addressTarget });
  }
}
