// The open conversation in the top bar: its title, which appears with the first answer, sharing it, and its own instructions.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { openDialog } from "../lib/dialogs.js";
import { listen } from "../lib/listen.js";
import { toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { t } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["label", "heading", "space", "share", "panel", "instructions", "personal", "personalText", "problem"];
  static values = { product: String };

  connect() {
    const show = () => this.#show();
    this.unlisten = listen(conversation, { saved: show, branch: show, renamed: show });
  }

  disconnect() {
    this.unlisten();
  }

  share() {
    openDialog("share", { id: conversation.id, title: conversation.title });
  }

  // The instructions are read when they are looked at.
  async readInstructions({ newState }) {
    if (newState !== "open") return;
    this.problemTarget.hidden = true;
    try {
      const { instructions, personal } = await conversation.readInstructions();
      this.instructionsTarget.value = instructions;
      this.personalTextTarget.textContent = personal;
      this.personalTarget.hidden = !personal;
    } catch (error) {
      this.#showProblem(error);
    }
    this.instructionsTarget.focus();
  }

  async saveInstructions(event) {
    event.preventDefault();
    try {
      const isSaved = await conversation.saveInstructions(this.instructionsTarget.value);
      this.panelTarget.hidePopover();
      toast(t(isSaved ? "instructions_saved" : "instructions_kept"));
    } catch (error) {
      this.#showProblem(error);
    }
  }

  #showProblem(error) {
    this.problemTarget.textContent = sentence(error);
    this.problemTarget.hidden = false;
  }

  // Of an emptied conversation nothing is left to be named.
  #show() {
    const { isEmpty, isSaved, title } = conversation;
    this.labelTarget.textContent = title;
    this.headingTarget.hidden = isEmpty || !isSaved;
    this.spaceTarget.hidden = !this.headingTarget.hidden;
    this.shareTarget.hidden = !isSaved;
    document.title = `${isEmpty ? this.spaceTarget.textContent : title} · ${this.productValue}`;
  }
}
