// A question written while an answer runs: shown, kept across reloads, and taken when its turn comes.
import { Controller } from "@hotwired/stimulus";
import { Drafts } from "couach/lib/drafts";
import { announce, toast } from "couach/lib/notices";
import { t } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["text"];
  static outlets = ["composer"];
  static values = { conversation: String, owner: String };

  initialize() {
    this.drafts = Drafts.forPerson(this.ownerValue);
  }

  // After a reload it still waits for the answer that is being written. Has that ended meanwhile, unseen, then it is
  // text to look at again.
  composerOutletConnected(composer) {
    const kept = this.drafts.read(this.#key);
    if (!kept || document.querySelector(".answer[data-running]")) return this.#show(kept);
    this.drafts.clear(this.#key);
    composer.giveBack(kept);
  }

  hold(content) {
    this.#show([this.textTarget.textContent, content].filter(Boolean).join("\n\n"));
    announce(t("announce_prepared"));
  }

  take() {
    const content = this.textTarget.textContent;
    if (content) this.#show("");
    return content;
  }

  edit() {
    this.composerOutlet.giveBack(this.take());
    this.composerOutlet.focus();
  }

  cancel() {
    this.take();
    this.composerOutlet.focus();
  }

  settle({ detail: { id } }) {
    if (this.conversationValue === id) return;
    this.drafts.clear(this.#key);
    this.conversationValue = id;
    this.#show(this.textTarget.textContent);
  }

  #show(content) {
    this.textTarget.textContent = content;
    this.element.hidden = !content;
    if (!this.drafts.write(this.#key, content)) toast(t("draft_memory"));
  }

  get #key() {
    return `${this.conversationValue || "new"}:next`;
  }
}
