// Formulas in Markdown: $…$, $$…$$, \(…\), \[…\] and LaTeX's own environments become marked source, which maths.js draws.
import { isCode, lineOf } from "./markdown_lines.js";

const LONGEST = 1000; // characters of a formula inside a line
const ENVIRONMENT = "\\\\begin\\{((?:[bBpvV]?matrix|smallmatrix|[dr]?cases|align(?:ed|at|edat)?|gather(?:ed)?|equation|split|array)\\*?)\\}";
const BEGINS = new RegExp(`(?:\\$\\$|\\\\[[(]|${ENVIRONMENT})`, "y");
const BEGINS_BLOCK = new RegExp(`^(?:\\$\\$|\\\\\\[|${ENVIRONMENT})`);
const CLOSINGS = new Map([["$$", "$$"], ["\\(", "\\)"], ["\\[", "\\]"]]);
const closingOf = ([mark, environment]) => CLOSINGS.get(mark) ?? `\\end{${environment}}`;

// A formula that begins at `at`: { end } behind it, { open: true } when the text stops before its end, or null.
export function mathAt(text, at) {
  BEGINS.lastIndex = at;
  const begins = BEGINS.exec(text);
  if (begins) return fencedAt(text, at, begins);
  return text[at] === "$" ? dollarAt(text, at) : null;
}

function fencedAt(text, at, begins) {
  const [mark] = begins;
  const closing = closingOf(begins);
  const from = at + mark.length;
  const part = text.slice(from, from + LONGEST);
  const end = part.indexOf(closing);
  const paragraph = part.search(/\n\s*\n/);
  if (end === 0 || (paragraph >= 0 && (end < 0 || paragraph < end))) return null;
  if (end < 0) return openUnlessLong(part);
  return isWords(mark, part.slice(0, end), text[at - 1]) ? null : { end: from + end + closing.length };
}

// In letters, \[Nom du client\], \[1\] and mot\(s\) are brackets that were escaped, as Markdown wants it.
function isWords(mark, inside, before = " ") {
  if (!CLOSINGS.has(mark) || mark === "$$" || /\\[a-z]|[\^={}<>≤≥≈≠]/i.test(inside)) return false;
  if (!/[\p{L}\p{N}]/u.test(inside)) return true;
  if (mark === "\\[") return /\p{L}{3}/u.test(inside) || !/^\s|[+*/_×÷±√∑∫]|\p{L}\s*\(|\s-\s/u.test(inside);
  return /(?=\p{L}*\p{Ll})\p{L}{3}|\s\p{Ll}{2}\s|\p{L}\./u.test(inside) || /\p{L}/u.test(before);
}

// A dollar is a price unless it hugs what it encloses: not "10 $", "$5 and $10", "10$, 20$", "US$ 5" nor "$PATH:$HOME".
function dollarAt(text, at) {
  if (/[\p{L}\p{N}$\\]/u.test(text[at - 1] ?? " ") || /[\s$]/.test(text[at + 1] ?? " ")) return null;
  const part = text.slice(at + 1, at + 1 + LONGEST);
  const [inside] = part.match(/^(?:\\[^]|[^\\$\n])*/);
  const isPrice = /^[\d.,]+\s/.test(inside) && !/[\\^_=<>+/]|\*\s/.test(inside);
  if (inside.length === part.length) return isPrice ? null : openUnlessLong(part);
  const closes = part[inside.length] === "$" && /\S$/.test(inside) && !/[\p{L}\p{N}$]/u.test(part[inside.length + 1] ?? " ");
  return closes && !isPrice ? { end: at + inside.length + 2 } : null;
}

const openUnlessLong = (part) => (part.length < LONGEST ? { open: true } : null);

// First of the lines that belong to a formula of several lines whose end has not come yet, or -1. A blank line ends it too.
export function openMath(lines) {
  let first = lines.length - (lines.at(-1) === "" ? 1 : 0); // a line that was just begun is no blank one
  while (first > 0 && lines[first - 1].trim()) first -= 1;
  let open = -1;
  let closing = "";
  for (let index = first; index < lines.length; index++) {
    const line = lines[index].replace(/^(?:[\s>]|[-*+]\s|\d+[.)]\s)*/, "");
    const begins = line.match(BEGINS_BLOCK);
    if (open >= 0) open = ends(line, closing) ? -1 : open;
    else if (begins && line.indexOf(closingOf(begins), begins[0].length) < 0) {
      open = index;
      closing = closingOf(begins);
    }
  }
  return open;
}

const ends = (line, closing) => line.trimEnd().replace(/[.,;:]$/, "").endsWith(closing);

export function maths(markdown) {
  const { escapeHtml } = markdown.utils;
  markdown.inline.ruler.before("escape", "math", inlineMath);
  markdown.block.ruler.before("fence", "math_block", blockMath, { alt: ["paragraph", "blockquote", "list"] });
  markdown.renderer.rules.math = (tokens, index) => `<span data-math>${escapeHtml(tokens[index].content)}</span>`;
  markdown.renderer.rules.math_block = (tokens, index) => `<div class="formula" tabindex="0"><span data-math>${escapeHtml(tokens[index].content)}</span></div>\n`;
}

function inlineMath(state, silent) {
  const found = mathAt(state.src, state.pos);
  if (!found?.end || found.end > state.posMax) return false;
  if (!silent) state.push("math", "", 0).content = state.src.slice(state.pos, found.end);
  state.pos = found.end;
  return true;
}

// Whether its end comes or not, what begins like a formula is one block up to the next blank line: blocks that were
// given stay what they are, wherever the text was cut.
function blockMath(state, startLine, endLine, silent) {
  if (isCode(state, startLine)) return false;
  const first = lineOf(state, startLine);
  const begins = first.match(BEGINS_BLOCK);
  if (!begins) return false;
  const [mark] = begins;
  const closing = closingOf(begins);
  const inFirst = first.indexOf(closing, mark.length);
  if (inFirst >= 0) {
    const behind = inFirst + closing.length;
    const wordsFollow = !ends(first.slice(0, behind) + first.slice(behind).trim(), closing);
    if (wordsFollow || isWords(mark, first.slice(mark.length, inFirst))) return false;
  }
  if (silent) return true;
  let line = startLine;
  let closed = inFirst >= 0;
  while (!closed && line + 1 < endLine && !state.isEmpty(line + 1) && state.sCount[line + 1] >= state.blkIndent) {
    line += 1;
    closed = ends(lineOf(state, line), closing);
  }
  state.line = line + 1;
  const source = state.getLines(startLine, line + 1, state.blkIndent, false).trim();
  closed &&= !isWords(mark, source.slice(mark.length, source.lastIndexOf(closing)));
  pushBlock(state, { closed, map: [startLine, line + 1], source });
  return true;
}

function pushBlock(state, { closed, map, source }) {
  if (closed) return Object.assign(state.push("math_block", "", 0), { map, content: source });
  Object.assign(state.push("paragraph_open", "p", 1), { map });
  Object.assign(state.push("inline", "", 0), { map, content: source, children: [] });
  return state.push("paragraph_close", "p", -1);
}
