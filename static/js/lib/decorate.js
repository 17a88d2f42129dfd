// What cleaned Markdown becomes on the page beside text: heads of code, boxes of tasks, formulas, a word about what is left plain.
import { decorateCode } from "./code_blocks.js";
import { drawMaths } from "./maths.js";
import { t } from "./texts.js";

export function decorate(fragment) {
  decorateCode(fragment);
  fragment.querySelectorAll("[data-task]").forEach(drawBox);
  fragment.querySelectorAll("[data-plain]").forEach((source) => source.before(sentence(t("too_heavy"))));
  drawMaths(fragment);
}

function drawBox(item) {
  const isDone = item.dataset.task === "done";
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", disabled: true });
  box.toggleAttribute("checked", isDone);
  box.setAttribute("aria-label", t(isDone ? "task_done" : "task_open"));
  (item.firstElementChild?.matches("p") ? item.firstElementChild : item).prepend(box);
}

export function sentence(words) {
  const line = document.createElement("p");
  line.className = "left-plain";
  line.textContent = words;
  return line;
}
