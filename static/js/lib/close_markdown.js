// Completes half-written Markdown for display, so that marks still being typed do not flash on the page.
import { Nesting, holdsMarkdown } from "./markdown_fences.js";
import { isLateEnd, isLiteral } from "./markdown_marks.js";
import { mathAt, openMath } from "./markdown_math.js";
import { beginsTable } from "./markdown_tables.js";

const LONGEST_ROW = 2000; // characters of a table's row that is waited for
const LONGEST_MARKS = 200; // characters of a line that may still be nothing but marks
const PREFIX = "\\s*(?:>\\s?)*";
const FENCE = new RegExp(`^${PREFIX}(?:(?:[-*+]|\\d+[.)])\\s+)*(\`{3,}|~{3,})(.*)$`);
// A last line of bare marks may become a heading, a list, a rule, a fence, or plain text: wait for the next letter.
const UNDECIDED = new RegExp(`^${PREFIX}(?:(?:[-*+]|\\d+[.)])\\s+)*(?:#{1,6}|[-*+]|\\d{1,9}[.)]?|[-*_=]{2,}|\`{1,3}|~{1,3}|>)?\\s*$`);
const STARTS_BLOCK = new RegExp(`^${PREFIX}(?:(?:[-*+]|\\d{1,9}[.)]|#{1,6})\\s+)+`);
const UNDECIDED_BOX = /^\[(?:[ xX]?|[ xX]\]\s*)$/; // of a task, or the beginning of a link
const HALF_MARK = /(?:<(?:br?|br\s*\/?)?|\\(?:be?|beg|begin?|begin\{[a-z]*\*?)?)$/i; // of a line break, a formula or an escaped letter

export function closeMarkdown(source) {
  const lines = source.split("\n");
  const fence = openFence(lines);
  if (fence) return closeFence(lines, fence);
  const formula = openMath(lines);
  if (formula >= 0) return lines.slice(0, formula).join("\n");
  const last = lines.length - 1;
  const table = lines[last] ? undecidedTable(lines) : undecidedTable(lines.slice(0, last), { isWritten: true });
  if (table >= 0) return lines.slice(0, table).join("\n");
  if (lines[last].length < LONGEST_MARKS && UNDECIDED.test(lines[last])) return lines.slice(0, last).join("\n");
  return closeLastText(lines);
}

function openFence(lines) {
  let open = null;
  lines.forEach((line, index) => {
    const [, marks, info] = line.match(FENCE) ?? [];
    if (!marks) return;
    if (open?.nesting) {
      open.nesting.read(marks + info);
      open = open.nesting.marks ? { ...open, marks: open.nesting.marks } : null;
    } else if (open) open = marks[0] === open.marks[0] && marks.length >= open.marks.length && !info.trim() ? null : open;
    else if (marks[0] === "~" || !info.includes("`")) open = { marks, index, nesting: holdsMarkdown(info) ? new Nesting(marks) : null };
  });
  return open;
}

function closeFence(lines, { marks, index }) {
  const last = lines.length - 1;
  if (index === last) return lines.slice(0, last).join("\n"); // the language's name is still being written
  const closing = lines[last].trim();
  const mayClose = closing && marks.startsWith(closing);
  return (mayClose ? lines.slice(0, last) : lines).join("\n");
}

// Index of the first line of what may become a table, or -1. Two lines decide: the heads and the dashes.
function undecidedTable(lines, { isWritten = false } = {}) {
  let first = lines.length;
  while (first > 0 && /^\s*\|/.test(lines[first - 1])) first -= 1;
  const rows = lines.slice(first);
  if (rows.length === 0 || rows.length > 2 || rows.some((row) => row.length > LONGEST_ROW)) return -1;
  if (rows.length === 1) return first;
  const [head, dashes] = rows;
  const mayGrow = /^[\s|:+-]*$/.test(dashes) && !isWritten;
  return mayGrow && !(beginsTable(head, dashes) && cells(head) === cells(dashes)) ? first : -1;
}

const cells = (row) => row.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).length;

function closeLastText(lines) {
  let start = lines.length - 1;
  while (start > 0 && lines[start - 1].trim() && !STARTS_BLOCK.test(lines[start]) && !/^\s*\|/.test(lines[start])) start -= 1;
  const text = lines.slice(start).join("\n");
  const row = /^\s*\|/.test(text) ? text.lastIndexOf("|") + 1 : 0;
  const skip = Math.max(row, text.match(STARTS_BLOCK)?.[0].length ?? 0);
  const before = lines.slice(0, start).map((line) => `${line}\n`).join("");
  const words = text.slice(skip);
  return before + (UNDECIDED_BOX.test(words) ? "" : text.slice(0, skip) + closeInline(words));
}

// Closes what is open at the end of a text: emphasis, code, strikethrough; links become their words, formulas wait.
// Linear in the text's length, whatever is in it.
export function closeInline(source) {
  let text = source.replace(HALF_MARK, "");
  let tail = "";
  const open = [];
  const lastLine = text.lastIndexOf("\n") + 1;
  const marks = /\\[^]|`+|\*+|_+|~+|!?\[|\$\$?/g;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    const [run] = mark;
    const at = mark.index;
    const formula = /^(?:\$|\\[([b])/.test(run) ? mathAt(text, at) : null;
    if (formula?.open) {
      text = text.slice(0, at);
      break;
    } else if (formula) marks.lastIndex = formula.end;
    else if (run[0] === "`") {
      const end = closingTicks(text, at + run.length, run.length);
      if (end < 0) {
        const empty = !text.slice(at + run.length).trim();
        if (empty) text = text.slice(0, at);
        else tail = run;
        break;
      }
      marks.lastIndex = end;
    } else if (run.endsWith("[")) {
      const words = at >= lastLine ? halfLink(text, at + run.length) : null;
      if (words != null) text = text.slice(0, at) + words;
      if (words != null) marks.lastIndex = at;
    } else if (/[*_~]/.test(run[0]) && !(run[0] === "*" && isLiteral(text, at, run.length))) {
      const isEnd = at + run.length === text.length;
      const before = run[0] === "*" && isLateEnd(text, at, run.length) ? "" : text[at - 1];
      const closed = readMarks(run, before, text[at + run.length], open);
      if (isEnd && !closed) text = text.slice(0, at);
    }
  }
  return close(text.trimEnd() + tail, open);
}

// The words of a link whose end is still to come: "[words", "[words]" or "[words](addr"; null for anything else.
function halfLink(text, from) {
  const end = text.indexOf("]", from);
  const isHalf = end < 0 || end === text.length - 1 || (text[end + 1] === "(" && text.indexOf(")", end) < 0);
  return isHalf ? text.slice(from, end < 0 ? undefined : end).replace(/!?\[/g, "") : null;
}

function closingTicks(text, from, length) {
  const runs = /`+/g;
  runs.lastIndex = from;
  for (let run = runs.exec(text); run; run = runs.exec(text)) if (run[0].length === length) return runs.lastIndex;
  return -1;
}

// Updates the stack of open marks; true when the whole run closed something. previous: "" where marks can only close.
function readMarks(run, previous = " ", next = " ", open) {
  const mayClose = previous === "" || /\S/.test(previous);
  const mayOpen = /\S/.test(next) && (run[0] !== "_" || /[^\p{L}\p{N}]/u.test(previous));
  let closed = true;
  const marks = run.match(/\*\*|__|~~|[*_~]/g);
  if (open.at(-1) === marks.at(-1)) marks.reverse(); // ***both***: what began last ends first
  for (const mark of marks) {
    if (mayClose && open.at(-1) === mark) open.pop();
    else {
      closed = false;
      if (mayOpen && mark !== "~") open.push(mark);
    }
  }
  return closed;
}

// A mark with nothing after it yet is left out rather than closed.
function close(text, open) {
  const marks = [...open];
  let result = text;
  while (marks.length && result.endsWith(marks.at(-1))) result = result.slice(0, -marks.pop().length).trimEnd();
  return result + marks.reverse().join("");
}
