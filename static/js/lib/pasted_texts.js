// Long texts beside a question: which are long, how big they are, and how they are sent, in fences after the text.
import { number } from "./format.js";
import { t, tn } from "./texts.js";

const CHARACTERS = 2000;
const LINES = 30;

export const countLines = (text) => text.split("\n").length;

export const isLong = (text) => text.length > CHARACTERS || countLines(text) > LINES;

// The fence is longer than any in the text, so that nothing in it can end it.
export function fenced(text) {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text.replace(/\n$/, "")}\n${fence}`;
}

export const withPasted = (text, texts) => (texts.length ? [text.trimEnd(), ...texts.map(fenced)].filter(Boolean).join("\n\n") : text);

// What withPasted() has joined: { text, pasted }. A text that somebody put into a bare fence at the end is as good as pasted.
export function splitPasted(content) {
  const pasted = [];
  let text = content;
  for (let last = lastPasted(text); last; last = lastPasted(text)) {
    pasted.unshift(last.inside);
    text = text.slice(0, last.start);
  }
  return withPasted(text, pasted) === content ? { text, pasted } : { text: content, pasted: [] };
}

// The last fence begins with the line nearest before it that is the same, as no such line is within.
function lastPasted(text) {
  const [fence] = text.match(/^`{3,}$(?![^])/m) ?? [];
  if (!fence) return null;
  const end = text.length - fence.length;
  const open = `\n${text.slice(0, end)}`.lastIndexOf(`\n${fence}\n`, end - 1);
  const inside = open < 0 ? "" : text.slice(open + fence.length + 1, end - 1);
  if (!isLong(inside) || (open > 0 && !text.slice(0, open).endsWith("\n\n"))) return null;
  return { inside, start: Math.max(0, open - 2) };
}

export const nameOf = (texts, index) => (texts.length > 1 ? t("pasted_nth", { n: index + 1 }) : t("pasted"));

export const sizeOf = (text) => t("pasted_size", { lines: tn("pasted_lines", countLines(text)), characters: number(text.length) });
