// Chooses the model of the next answers, and says which are ready and which can think.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";

export default class extends Controller {
  static targets = ["input", "label", "item"];

  connect() {
    this.#say(this.itemTargets.find((item) => item.getAttribute("aria-checked") === "true"));
    this.pick({ detail: { model: new URLSearchParams(location.search).get("model") } }); // from the Labo
  }

  choose({ currentTarget: chosen }) {
    for (const item of this.itemTargets) item.setAttribute("aria-checked", String(item === chosen));
    this.inputTarget.value = chosen.dataset.name;
    this.labelTarget.textContent = chosen.dataset.label;
    this.#say(chosen);
  }

  // Chosen elsewhere on the page; by its intent's name where it has one.
  pick({ detail: { model } }) {
    const item = this.itemTargets.find(({ dataset }) => dataset.name === model);
    if (item) this.choose({ currentTarget: item });
  }

  // What is in memory changes; the list is asked again each time it opens.
  async refresh({ newState }) {
    if (newState !== "open") return;
    const { models } = await request("/api/models").catch(() => ({ models: [] })); // the badges then stay as they were
    for (const { name, loaded } of models) {
      for (const item of this.itemTargets) if (item.dataset.name === name) item.querySelector("[data-part=ready]").hidden = !loaded;
    }
  }

  #say(item) {
    this.dispatch("chosen", { detail: { thinking: item?.dataset.thinking === "true", context: Number(item?.dataset.context) } });
  }
}
