// Chooses the model of the next answers, says which are ready, and whether the chosen one is to think first.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { request } from "../lib/http.js";
import { listen } from "../lib/listen.js";

export default class extends Controller {
  static targets = ["label", "item", "think"];

  connect() {
    this.chosen = this.itemTargets.find((item) => item.getAttribute("aria-checked") === "true");
    this.unlisten = listen(conversation, { choice: () => this.#show() });
    const wanted = new URLSearchParams(location.search).get("model"); // from the Labo
    if (this.#find(wanted)) conversation.choose(wanted);
    else this.#show();
  }

  disconnect() {
    this.unlisten();
  }

  // Two items may be for the same model: one has the name of what it is meant for.
  choose({ currentTarget: chosen }) {
    this.chosen = chosen;
    conversation.choose(chosen.dataset.name);
  }

  toggleThink() {
    conversation.setThink(!conversation.think);
  }

  // What is in memory changes; the list is asked again each time it opens.
  async refresh({ newState }) {
    if (newState !== "open") return;
    const { models } = await request("/api/models").catch(() => ({ models: [] })); // the badges then stay as they were
    for (const { name, loaded } of models) {
      for (const item of this.itemTargets.filter(({ dataset }) => dataset.name === name)) {
        item.querySelector("[data-part=ready]").hidden = !loaded;
      }
    }
  }

  #show() {
    const { model, think, canThink } = conversation;
    if (this.chosen?.dataset.name !== model) this.chosen = this.#find(model);
    for (const item of this.itemTargets) item.setAttribute("aria-checked", String(item === this.chosen));
    if (this.chosen) this.labelTarget.textContent = this.chosen.dataset.label;
    this.thinkTarget.hidden = !canThink;
    this.thinkTarget.setAttribute("aria-pressed", String(think));
  }

  #find(model) {
    return this.itemTargets.find(({ dataset }) => dataset.name === model);
  }
}
