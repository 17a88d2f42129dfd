// Joins the references of a whole answer with their notes, there and back; a reference without a note is text again.
import { t } from "./texts.js";

let joined = 0;

export function joinNotes(element) {
  const texts = new Map([...element.querySelectorAll("[data-note-text]")].map((text) => [text.dataset.noteText, text]));
  for (const reference of element.querySelectorAll("[data-note]:not(:has(a))")) {
    const name = reference.dataset.note;
    if (texts.has(name)) join(reference, texts.get(name));
    else reference.replaceWith(`[^${name}]`);
  }
}

function join(reference, text) {
  joined += 1;
  const number = reference.textContent;
  const there = link(`note-${joined}`, number, t("note", { number }));
  const back = link(`note-${joined}-back`, "↩", t("note_back", { number }));
  [there.id, back.id] = [back.hash.slice(1), there.hash.slice(1)];
  reference.replaceChildren(there);
  if (!text.querySelector("a[id]")) (text.lastElementChild.matches("p") ? text.lastElementChild : text).append(" ", back);
  else there.href = `#${text.querySelector("a[id]").id}`;
}

function link(target, words, name) {
  const a = document.createElement("a");
  a.href = `#${target}`;
  a.textContent = words;
  a.setAttribute("aria-label", name);
  return a;
}
