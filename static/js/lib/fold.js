// A question as it is shown: of a long one the beginning, as the answer is what one came for; pasted texts by their names.
// The rest stays in the page, a button away.
import { nameOf, sizeOf, splitPasted } from "./pasted_texts.js";
import { clone } from "./templates.js";
import { t } from "./texts.js";

const CHARACTERS = 1000;
const LINES = 16;
const SPARE = 1.25; // what is hardly longer than that is shown whole

// The article has the whole question as its content.
export function fold(article) {
  const question = article.querySelector("[data-part=content]");
  const { text, pasted } = splitPasted(question.textContent);
  article.querySelectorAll(".question__more, .question__pasted").forEach((old) => old.remove());
  question.textContent = text;
  question.hidden = !text;
  if (pasted.length) question.after(listOf(pasted));
  const end = endOfBeginning(text);
  if (end < 0) return;
  const rest = document.createElement("span");
  rest.className = "question__rest";
  question.classList.add("is-folded");
  rest.append(question.firstChild.splitText(end));
  question.append(rest);
  question.after(clone("question-more"));
}

function listOf(texts) {
  const list = clone("question-pasted");
  const row = list.querySelector("template").content;
  texts.forEach((text, index) => {
    const item = row.cloneNode(true);
    item.querySelector("[data-part=name]").textContent = nameOf(texts, index);
    item.querySelector("[data-part=size]").textContent = sizeOf(text);
    item.querySelector("pre").textContent = text;
    list.append(item);
  });
  return list;
}

// What the button of a pasted text asks for.
export function openPasted(button) {
  const isOpen = button.closest("li").classList.toggle("is-open");
  button.setAttribute("aria-expanded", String(isOpen));
}

// What the button asks for.
export function unfold(button) {
  const folded = button.closest(".turn").querySelector("[data-part=content]").classList.toggle("is-folded");
  button.setAttribute("aria-expanded", String(!folded));
  button.querySelector("[data-part=words]").textContent = t(folded ? "show_all" : "show_less");
}

// Where the beginning ends, behind a line or a word; -1: all of it is shown.
export function endOfBeginning(text) {
  if (text.length <= CHARACTERS * SPARE && placeOfLine(text, LINES * SPARE) >= text.length) return -1;
  const line = placeOfLine(text, LINES);
  if (line <= CHARACTERS) return line;
  const space = Math.max(text.lastIndexOf("\n", CHARACTERS), text.lastIndexOf(" ", CHARACTERS));
  const place = space > CHARACTERS / 2 ? space : CHARACTERS;
  return /[\uDC00-\uDFFF]/.test(text[place]) ? place + 1 : place; // two halves of one letter stay together
}

function placeOfLine(text, lines) {
  let at = -1;
  for (let line = 0; line < lines; line++) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) return text.length;
  }
  return at;
}
