// A question written while an answer runs: shown, kept across reloads, and taken when its turn comes.
import { Controller } from "@hotwired/stimulus";
import { Drafts } from "couach/lib/drafts";
import { announce } from "couach/lib/notices";
import { t } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["text"];
  static outlets = ["composer"];
  static values = { conversation: String, owner: String };

  initialize() {
    this.drafts = Drafts.forPerson(this.ownerValue);
  }

  // After a reload nobody pressed Enter: what was prepared is text to look at again.
  composerOutletConnected(composer) {
    const kept = this.drafts.read(this.#key);
    this.drafts.clear(this.#key);
    if (kept) composer.giveBack(kept);
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
    this.conversationValue = id;
    this.#show(this.textTarget.textContent);
  }

  #show(content) {
    this.textTarget.textContent = content;
    this.element.hidden = !content;
    this.drafts.write(this.#key, content);
  }

  get #key() {
    return `${this.conversationValue || "new"}:next`;
  }
}
