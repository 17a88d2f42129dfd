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

export const withFiles = (text, files) => (files.length ? [text.trimEnd(), ...files.map(fenced)].filter(Boolean).join("\n\n") : text);

// What withFiles() has joined: { text, files }. A text that somebody put into a bare fence at the end is as good as pasted.
export function splitFiles(content) {
  const files = [];
  let text = content;
  for (let file = lastFile(text); file; file = lastFile(text)) {
    files.unshift(file.inside);
    text = text.slice(0, file.start);
  }
  return withFiles(text, files) === content ? { text, files } : { text: content, files: [] };
}

// The last fence begins with the line nearest before it that is the same, as no such line is within.
function lastFile(text) {
  const [fence] = text.match(/^`{3,}$(?![^])/m) ?? [];
  if (!fence) return null;
  const end = text.length - fence.length;
  const open = `\n${text.slice(0, end)}`.lastIndexOf(`\n${fence}\n`, end - 1);
  const inside = open < 0 ? "" : text.slice(open + fence.length + 1, end - 1);
  if (!isLong(inside) || (open > 0 && !text.slice(0, open).endsWith("\n\n"))) return null;
  return { inside, start: Math.max(0, open - 2) };
}

export const nameOf = (files, index) => (files.length > 1 ? t("attached_nth", { n: index + 1 }) : t("attached"));

export const sizeOf = (text) => t("attached_size", { lines: tn("attached_lines", countLines(text)), characters: number(text.length) });
