// Chooses the model of the next answers, says which are ready, and whether the chosen one is to think first.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { request } from "../lib/http.js";
import { listen } from "../lib/listen.js";

export default class extends Controller {
  static targets = ["label", "item", "think", "fold", "others"];

  connect() {
    this.unlisten = listen(conversation, { choice: () => this.#show() });
    const wanted = new URLSearchParams(location.search).get("model"); // from the Labo
    if (this.#find(wanted)) conversation.choose(wanted);
    else this.#show();
  }

  disconnect() {
    this.unlisten();
  }

  choose({ currentTarget: { dataset } }) {
    conversation.choose(dataset.name);
  }

  fold() {
    this.#showOthers(this.othersTarget.hidden);
  }

  toggleThink() {
    conversation.setThink(!conversation.think);
  }

  // What is in memory changes; the list is asked again each time it opens.
  async refresh({ newState }) {
    if (newState !== "open") return;
    const { models } = await request("/api/models").catch(() => ({ models: [] })); // the badges then stay as they were
    for (const { name, loaded } of models) {
      const item = this.#find(name);
      if (item) item.querySelector("[data-part=ready]").hidden = !loaded;
    }
  }

  #show() {
    const { model, think, canThink } = conversation;
    const chosen = this.#find(model);
    for (const item of this.itemTargets) item.setAttribute("aria-checked", String(item === chosen));
    if (chosen) this.labelTarget.textContent = chosen.dataset.label;
    if (this.hasFoldTarget) this.#showOthers(this.othersTarget.contains(chosen ?? null));
    this.thinkTarget.hidden = !canThink;
    this.thinkTarget.setAttribute("aria-pressed", String(think));
  }

  #showOthers(isOpen) {
    this.othersTarget.hidden = !isOpen;
    this.foldTarget.setAttribute("aria-expanded", String(isOpen));
  }

  #find(model) {
    return this.itemTargets.find(({ dataset }) => dataset.name === model);
  }
}
