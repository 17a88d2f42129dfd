// A table that is sorted by its heads, or by a choice where its lines are cards; lines without a figure come last.
import { Controller } from "@hotwired/stimulus";
import { announce } from "../lib/notices.js";

export default class extends Controller {
  static targets = ["head", "body", "select"];
  static values = { said: String };

  by({ params: { key, first } }) {
    const head = this.#head(key);
    const turned = { ascending: -1, descending: 1 }[head.getAttribute("aria-sort")] ?? first;
    this.#sort(head, turned);
    announce(this.saidValue.replace("{name}", head.textContent.trim()));
  }

  choose() {
    const head = this.#head(this.selectTarget.value);
    this.#sort(head, Number(head.querySelector("button").dataset.sortTableFirstParam));
  }

  // After the scores have changed.
  refresh() {
    const head = this.headTargets.find((each) => each.hasAttribute("aria-sort"));
    if (head) this.#sort(head, head.getAttribute("aria-sort") === "ascending" ? 1 : -1);
  }

  #sort(head, turned) {
    for (const each of this.headTargets) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", turned > 0 ? "ascending" : "descending");
    const { key } = head.dataset;
    if (this.hasSelectTarget) this.selectTarget.value = key;
    const value = ({ dataset }) => (dataset[key] === "" ? (turned > 0 ? Infinity : -Infinity) : Number(dataset[key]));
    this.bodyTarget.append(...[...this.bodyTarget.rows].sort((a, b) => turned * (value(a) - value(b)) || 0));
  }

  #head(key) {
    return this.headTargets.find((each) => each.dataset.key === key);
  }
}
