// Draws the stage of a run: the line in words and the route under it, changing only what changed.
import { route, stageWords } from "./stages.js";

export class StageView {
  constructor(element) {
    this.element = element;
    this.title = element.querySelector("[data-part=title]");
    this.detail = element.querySelector("[data-part=detail]");
    this.route = element.querySelector("[data-part=route]");
    this.leg = element.querySelector("[data-part=leg]").content.firstElementChild;
  }

  show(state, now) {
    const { title, detail } = stageWords(state, now);
    setText(this.title, title);
    setText(this.detail, detail);
    const legs = route(state, now);
    while (this.route.children.length > legs.length) this.route.lastElementChild.remove();
    while (this.route.children.length < legs.length) this.route.append(this.leg.cloneNode(true));
    legs.forEach((leg, index) => drawLeg(this.route.children[index], leg));
  }
}

function drawLeg(element, { label, when, share }) {
  element.classList.toggle("is-done", when === "done");
  element.classList.toggle("is-now", when === "now");
  element.firstElementChild.classList.toggle("is-unknown", when === "now" && share === null);
  element.style.setProperty("--done", `${Math.round((share ?? 0) * 100)}%`);
  setText(element.querySelector("[data-part=label]"), label);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
