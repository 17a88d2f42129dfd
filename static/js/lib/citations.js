// [1] in an answer that was written from passages becomes a button that opens the passage.
import { placeWords } from "./document_words.js";
import { t } from "./texts.js";

const CITED = /\[\s*\d{1,3}(?:\s*(?:[,;–-]|et)\s*\d{1,3})*\s*\]/g; // [1], [1, 3], [2-4]
const PART = /(\d+)(?:\s*[–-]\s*(\d+))?/g;
const MOST = 20; // passages that one question goes with, and more
const NOT_WORDS = "pre, code, a, button, math, .katex";

// passages: [{ number, name, page, kind }] of the question; a number that none has stays text.
export function linkCitations(fragment, passages) {
  const known = new Map(passages.map((passage) => [passage.number, passage]));
  if (!known.size) return;
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest(NOT_WORDS)) texts.push(walker.currentNode);
  for (const text of texts) {
    const parts = cut(text.data, known);
    if (parts) text.replaceWith(...parts.map((part) => (typeof part === "string" ? part : button(part))));
  }
}

// Words and passages in the order in which they stand; null where nothing is cited.
function cut(text, known) {
  const parts = [];
  let at = 0;
  for (const { 0: whole, index } of text.matchAll(CITED)) {
    const cited = citedIn(whole).map((number) => known.get(number));
    if (cited.includes(undefined)) continue;
    parts.push(text.slice(at, index), ...cited);
    at = index + whole.length;
  }
  return parts.length ? [...parts, text.slice(at)].filter((part) => part !== "") : null;
}

export function citedIn(words) {
  return [...words.matchAll(PART)].flatMap(([, first, last = first]) => {
    const count = Math.max(0, Math.min(Number(last) - Number(first), MOST));
    return Array.from({ length: count + 1 }, (_, step) => Number(first) + step);
  });
}

// The brackets stay in it, so that it is copied as it was written.
function button({ number, name, page, kind }) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "cite";
  made.dataset.cite = String(number);
  made.textContent = `[${number}]`;
  made.ariaLabel = t("cite", { n: number, name, place: placeWords({ kind }, { number: page }) });
  return made;
}
