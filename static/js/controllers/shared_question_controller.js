// One question of a shared conversation: long ones by their beginning, pasted texts by their names.
import { Controller } from "@hotwired/stimulus";
import { fold } from "../lib/fold.js";

export default class extends Controller {
  connect() {
    if (!this.isFolded) fold(this.element);
    this.isFolded = true;
  }
}
