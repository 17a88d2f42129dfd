// What counts: three weights that are a hundred together. The server says which model they recommend, and why.
import { Controller } from "@hotwired/stimulus";
import { percent } from "../lib/format.js";
import { request } from "../lib/http.js";
import { balanced } from "../lib/weights.js";

const PAUSE = 120; // ms, while a slider moves

export default class extends Controller {
  static targets = ["form", "slider", "value", "preset", "advice"];
  static outlets = ["sort-table", "chart"];
  static values = { url: String };

  connect() {
    this.element.classList.add("is-live"); // no button to apply is needed
    this.weights = this.sliderTargets.map(({ value }) => Number(value));
    this.#show();
    this.light = ({ target, type }) => this.#light(target, ["mouseover", "focusin"].includes(type));
    for (const type of ["mouseover", "mouseout", "focusin", "focusout"]) this.element.addEventListener(type, this.light);
  }

  disconnect() {
    clearTimeout(this.timer);
    this.asked?.abort();
    for (const type of ["mouseover", "mouseout", "focusin", "focusout"]) this.element.removeEventListener(type, this.light);
  }

  move({ target }) {
    this.weights = balanced(this.weights, this.sliderTargets.indexOf(target), Number(target.value));
    this.#change(PAUSE);
  }

  preset(event) {
    event.preventDefault();
    this.weights = event.params.weights;
    this.#change(0);
  }

  submit(event) {
    event.preventDefault();
  }

  #change(pause) {
    this.#show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), pause);
  }

  #show() {
    this.weights.forEach((weight, index) => {
      const slider = this.sliderTargets[index];
      slider.value = weight;
      slider.style.setProperty("--filled", `${weight}%`);
      this.valueTargets[index].textContent = percent(weight / 100);
    });
    for (const button of this.presetTargets) {
      const its = JSON.parse(button.dataset.tradeoffWeightsParam);
      button.setAttribute("aria-pressed", String(its.every((weight, index) => weight === this.weights[index])));
    }
  }

  async #ask() {
    this.asked?.abort();
    this.asked = new AbortController();
    const query = new URLSearchParams(new FormData(this.formTarget));
    // Should it fail, what is shown stays true of the weights before; the next move asks again.
    const found = await request(`${this.urlValue}?${query}`, { signal: this.asked.signal }).catch(() => null);
    if (!found || !this.element.isConnected) return;
    this.adviceTarget.innerHTML = found.html; // the server's own markup, the same as in the page
    this.chartOutlet.draw(found.spec);
    this.#score(found.scores);
    history.replaceState(history.state, "", `?${query}`);
  }

  #score(told) {
    const scores = new Map(Object.entries(told)); // models bear any name
    for (const cell of document.querySelectorAll("[data-score-of]")) {
      const score = scores.get(cell.dataset.scoreOf);
      cell.textContent = score ?? "–";
      cell.closest("tr").dataset.score = score ?? "";
    }
    this.sortTableOutlet.refresh();
  }

  // A bubble that is pointed at shows its line of the ranking.
  #light(target, on) {
    const link = target.closest?.("svg a");
    if (link) document.querySelector(link.getAttribute("href"))?.classList.toggle("is-lit", on);
  }
}
