// The open conversation's own instructions: read when they are looked at, kept here until there is a conversation.
import { Controller } from "@hotwired/stimulus";
import { Drafts } from "couach/lib/drafts";
import { request } from "couach/lib/http";
import { toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { t } from "couach/lib/texts";

const DRAFT = "new:instructions";

export default class extends Controller {
  static targets = ["panel", "text", "personal", "personalText", "problem"];
  static values = { conversation: String, owner: String };

  initialize() {
    this.drafts = Drafts.forPerson(this.ownerValue);
  }

  // For a conversation that is still to be begun.
  get pending() {
    return this.conversationValue ? "" : this.drafts.read(DRAFT);
  }

  async opened({ newState }) {
    if (newState !== "open") return;
    this.problemTarget.hidden = true;
    if (this.conversationValue) await this.#read();
    else this.textTarget.value = this.pending;
    this.textTarget.focus();
  }

  async save(event) {
    event.preventDefault();
    const text = this.textTarget.value;
    try {
      if (this.conversationValue) await this.#put(this.conversationValue, text);
      else this.drafts.write(DRAFT, text.trim());
    } catch (error) {
      return this.#say(error);
    }
    this.panelTarget.hidePopover();
    toast(t(this.conversationValue ? "instructions_saved" : "instructions_kept"));
  }

  // Makes the conversation that its first question goes to. Made once, also when the second step has to be tried again.
  async settle(model) {
    this.made ??= (await request("/api/conversations", { method: "POST", body: { model } })).id;
    await this.#put(this.made, this.pending);
    this.drafts.clear(DRAFT);
    this.conversationValue = this.made;
    return this.made;
  }

  moved({ detail: { id } }) {
    this.conversationValue = id;
  }

  async #read() {
    try {
      const { instructions, personal } = await request(this.#url(this.conversationValue));
      this.textTarget.value = instructions;
      this.personalTextTarget.textContent = personal;
      this.personalTarget.hidden = !personal;
    } catch (error) {
      this.#say(error);
    }
  }

  #put(conversation, instructions) {
    return request(this.#url(conversation), { method: "PUT", body: { instructions } });
  }

  #url(conversation) {
    return `/api/conversations/${conversation}/instructions`;
  }

  #say(error) {
    this.problemTarget.textContent = sentence(error);
    this.problemTarget.hidden = false;
  }
}
