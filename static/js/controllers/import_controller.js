// Sends a file of conversations to the server, and says what came of it.
import { Controller } from "@hotwired/stimulus";
import { Problem } from "../lib/http.js";
import { sentence } from "../lib/problems.js";
import { t, tn } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["file", "button", "outcome"];

  async send(event) {
    event.preventDefault();
    const [file] = this.fileTarget.files;
    if (!file) return;
    this.buttonTarget.disabled = true;
    this.outcomeTarget.textContent = t("import_reading");
    this.outcomeTarget.classList.remove("is-refused");
    try {
      const { conversations } = await this.#post(file);
      this.outcomeTarget.textContent = tn("import_done", conversations);
      event.target.reset();
    } catch (error) {
      this.outcomeTarget.textContent = sentence(error);
      this.outcomeTarget.classList.add("is-refused");
    }
    this.buttonTarget.disabled = false;
  }

  // The file itself is the body: it may be larger than any form.
  async #post(file) {
    const token = document.querySelector("meta[name=csrf-token]").content;
    const headers = { Accept: "application/json", "Content-Type": "application/octet-stream", "X-CSRFToken": token };
    const response = await fetch("/import", { method: "POST", headers, credentials: "same-origin", body: file });
    if (response.redirected) location.reload(); // the session has ended: the page leads to the log-in
    if (!response.ok) throw await Problem.from(response);
    return response.json();
  }
}
