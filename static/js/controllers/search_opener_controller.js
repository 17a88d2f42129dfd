// A button that opens the search.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  open() {
    this.dispatch("open", { prefix: "search", target: window });
  }
}
