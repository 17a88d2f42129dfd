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

  connect() {
    addEventListener("storage", this.#heard);
  }

  disconnect() {
    removeEventListener("storage", this.#heard);
  }

  // After a reload it still waits for the answer that is being written. Has that ended meanwhile, unseen, then it is
  // text to look at again.
  composerOutletConnected(composer) {
    const kept = this.drafts.read(this.#key);
    if (!kept || document.querySelector(".answer[data-running]")) return this.#draw(kept);
    this.drafts.clear(this.#key);
    composer.giveBack(kept);
  }

  hold(content) {
    this.#keep([this.textTarget.textContent, content].filter(Boolean).join("\n\n"));
    announce(t("announce_prepared"));
  }

  // What waited, unless another tab has taken it. Two that take it at the same moment give it the same id: the server
  // then answers once.
  take() {
    const shown = this.textTarget.textContent;
    const isMine = this.drafts.read(this.#key) === shown;
    const id = `next-${this.drafts.writtenAt(this.#key)}`;
    if (isMine) this.drafts.clear(this.#key);
    this.#draw("");
    return { content: isMine ? shown : "", id };
  }

  edit() {
    this.composerOutlet.giveBack(this.take().content);
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
    this.#keep(this.textTarget.textContent);
  }

  // Another tab with the same conversation wrote it, took it or gave it up. A page without one shares nothing.
  #heard = () => {
    if (this.conversationValue) this.#draw(this.drafts.read(this.#key));
  };

  #draw(content) {
    this.textTarget.textContent = content;
    this.element.hidden = !content;
  }

  #keep(content) {
    this.#draw(content);
    if (!this.drafts.write(this.#key, content)) toast(t("draft_memory"));
  }

  get #key() {
    return `${this.conversationValue || "new"}:next`;
  }
}
