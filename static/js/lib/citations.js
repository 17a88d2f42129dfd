// [1] in an answer that was written from passages becomes a button that opens the passage; [p. 12] in one about a whole
// document, one that opens the page.
import { placeWords } from "./document_words.js";
import { t } from "./texts.js";

const CITED = /\[\s*\d{1,3}(?:\s*(?:[,;–-]|et)\s*\d{1,3})*\s*\]/g; // [1], [1, 3], [2-4]
const CITED_PAGES = /\[\s*p(?:ages?\b|p?\.)\s*\d{1,5}(?:\s*(?:[,;–-]|et)\s*(?:p\.\s*)?\d{1,5})*\s*\]/gi; // [p. 12], [pages 3-5], [p. 3, p. 7]
const PART = /(\d+)(?:\s*[–-]\s*(\d+))?/g;
const MOST = 20; // passages that one question goes with, and more
const NOT_WORDS = "pre, code, a, button, math, .katex";

// question: with passages, [{ number, name, page, kind }], or one document, { name, kind, pages }; a number that none has
// stays text.
export function linkCitations(fragment, { passages, documents }) {
  const known = new Map(passages.map((passage) => [passage.number, passage]));
  if (!known.size && documents.length !== 1) return;
  const cut = known.size ? (text) => cutAtPassages(text, known) : (text) => cutAtPages(text, documents[0]);
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest(NOT_WORDS)) texts.push(walker.currentNode);
  for (const text of texts) {
    const parts = cut(text.data);
    if (parts) text.replaceWith(...parts.map((part) => (typeof part === "string" ? part : button(part))));
  }
}

function cutAtPassages(text, known) {
  return cutAt(CITED, text, (whole) => citedIn(whole).map((number) => known.get(number)));
}

function cutAtPages(text, { name, kind, pages }) {
  const pageOf = (page) => (page >= 1 && page <= pages ? { name, kind, page } : undefined);
  return cutAt(CITED_PAGES, text, (whole) => citedIn(whole).map(pageOf));
}

// Words and what is cited, in the order in which they stand; null where nothing is.
function cutAt(pattern, text, find) {
  const parts = [];
  let at = 0;
  for (const { 0: whole, index } of text.matchAll(pattern)) {
    const cited = find(whole);
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
  if (number) made.dataset.cite = String(number);
  else made.dataset.page = String(page);
  made.textContent = number ? `[${number}]` : `[p. ${page}]`;
  made.ariaLabel = t(number ? "cite" : "cite_page", { n: number, name, place: placeWords({ kind }, { number: page }) });
  return made;
}
