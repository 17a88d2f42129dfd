// A button that opens the list of shortcuts.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  open() {
    this.dispatch("open", { prefix: "shortcuts", target: window });
  }
}
