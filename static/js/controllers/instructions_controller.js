// The conversation's own instructions, behind a button of the top bar: read when they are looked at.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { t } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["panel", "text", "personal", "personalText", "problem"];

  async opened({ newState }) {
    if (newState !== "open") return;
    this.problemTarget.hidden = true;
    try {
      const { instructions, personal } = await conversation.readInstructions();
      this.textTarget.value = instructions;
      this.personalTextTarget.textContent = personal;
      this.personalTarget.hidden = !personal;
    } catch (error) {
      this.#say(error);
    }
    this.textTarget.focus();
  }

  async save(event) {
    event.preventDefault();
    try {
      const isSaved = await conversation.saveInstructions(this.textTarget.value);
      this.panelTarget.hidePopover();
      toast(t(isSaved ? "instructions_saved" : "instructions_kept"));
    } catch (error) {
      this.#say(error);
    }
  }

  #say(error) {
    this.problemTarget.textContent = sentence(error);
    this.problemTarget.hidden = false;
  }
}
