// Formulas in Markdown: $…$, $$…$$, \(…\) and \[…\] become marked source, which maths.js draws.
const LONGEST = 1000; // characters of a formula inside a line
const CLOSINGS = { $$: "$$", "\\(": "\\)", "\\[": "\\]" };
const STARTS = /^(?:\$\$|\\\[)/;

// A formula that begins at `at`: { end } behind it, { open: true } when the text stops before its end, or null.
export function mathAt(text, at) {
  const mark = text.slice(at, at + 2);
  return CLOSINGS[mark] ? fencedAt(text, at, CLOSINGS[mark]) : text[at] === "$" ? dollarAt(text, at) : null;
}

function fencedAt(text, at, closing) {
  const part = text.slice(at + 2, at + 2 + LONGEST);
  const end = part.indexOf(closing);
  const paragraph = part.search(/\n\s*\n/);
  if (end === 0 || (paragraph >= 0 && (end < 0 || paragraph < end))) return null;
  return end > 0 ? { end: at + end + 4 } : openUnlessLong(part);
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
  let first = lines.length;
  while (first > 0 && lines[first - 1].trim()) first -= 1;
  let open = -1;
  for (let index = first; index < lines.length; index++) {
    const line = lines[index].replace(/^(?:[\s>]|[-*+]\s|\d+[.)]\s)*/, "");
    if (open >= 0) open = ends(line, CLOSINGS[lines[open].match(/\$\$|\\\[/)[0]]) ? -1 : open;
    else if (STARTS.test(line) && line.indexOf(CLOSINGS[line.slice(0, 2)], 2) < 0) open = index;
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
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const first = lineOf(state, startLine);
  if (!STARTS.test(first)) return false;
  const closing = CLOSINGS[first.slice(0, 2)];
  const inFirst = first.indexOf(closing, 2);
  if (inFirst >= 0 && !ends(first.slice(0, inFirst + 2) + first.slice(inFirst + 2).trim(), closing)) return false; // words follow
  if (silent) return true;
  let line = startLine;
  let closed = inFirst >= 0;
  while (!closed && line + 1 < endLine && !state.isEmpty(line + 1) && state.sCount[line + 1] >= state.blkIndent) {
    line += 1;
    closed = ends(lineOf(state, line), closing);
  }
  state.line = line + 1;
  pushBlock(state, { closed, map: [startLine, line + 1], source: state.getLines(startLine, line + 1, state.blkIndent, false).trim() });
  return true;
}

function pushBlock(state, { closed, map, source }) {
  if (closed) return Object.assign(state.push("math_block", "", 0), { map, content: source });
  Object.assign(state.push("paragraph_open", "p", 1), { map });
  Object.assign(state.push("inline", "", 0), { map, content: source, children: [] });
  return state.push("paragraph_close", "p", -1);
}

const lineOf = (state, line) => state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]);
