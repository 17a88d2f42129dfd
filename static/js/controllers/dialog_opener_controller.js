// A button that opens a dialog by its name.
import { Controller } from "@hotwired/stimulus";
import { openDialog } from "../lib/dialogs.js";

export default class extends Controller {
  open({ params: { name } }) {
    openDialog(name);
  }
}
