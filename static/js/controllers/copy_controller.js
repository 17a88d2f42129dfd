// A copy button: copies, and says for two seconds how it went.
import { Controller } from "@hotwired/stimulus";
import { copy, selectText } from "../lib/clipboard.js";
import { sourceFor } from "../lib/copy_source.js";
import { announce, toast } from "../lib/notices.js";
import { t } from "../lib/texts.js";

const SHOWN = 2000; // ms

export default class extends Controller {
  static targets = ["label", "icon", "done"];

  connect() {
    this.label = this.labelTarget.textContent;
    this.labelIsHidden = this.labelTarget.classList.contains("vh");
  }

  disconnect() {
    clearTimeout(this.timer);
    this.#show(this.label, false);
  }

  async copy() {
    const { text, html, element } = sourceFor(this.element);
    const copied = await copy({ text, html });
    if (!copied) this.#leaveItToThePerson(element);
    this.#show(t(copied ? "copied" : "press_ctrl_c"), copied);
    this.labelTarget.classList.remove("vh");
    announce(t(copied ? "copied" : "press_ctrl_c"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#reset(), SHOWN);
  }

  // The last resort: what was to be copied is selected, and a sentence says what is left to do.
  #leaveItToThePerson(element) {
    selectText(element);
    toast(t("copy_refused"), { seconds: 12 });
  }

  #reset() {
    this.#show(this.label, false);
    this.labelTarget.classList.toggle("vh", this.labelIsHidden);
  }

  #show(label, done) {
    this.labelTarget.textContent = label;
    this.iconTarget.hidden = done;
    this.doneTarget.hidden = !done;
  }
}
