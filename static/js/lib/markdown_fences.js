// Blocks of Markdown that hold other blocks. Models write both with three backticks; by the standard the inner block's end
// would be the end of both.
import { isCode, lineOf } from "./markdown_lines.js";

const FENCE = /^(`{3,}|~{3,})(.*)$/;
const OF_MARKDOWN = /^(?:markdown|md|mdx)\b[^`]*$/i;

// Follows the lines of a block of Markdown: which fence is still open, and how deep.
export class Nesting {
  #open;

  constructor(marks) {
    this.#open = [marks];
  }

  // The fence whose end is waited for; undefined after the end of the block.
  get marks() {
    return this.#open.at(-1);
  }

  read(line) {
    const [, marks, info] = line.match(FENCE) ?? [];
    if (marks?.[0] !== this.marks[0]) return;
    if (info.trim()) this.#open.push(marks);
    else if (marks.length >= this.marks.length) this.#open.pop();
  }
}

export const holdsMarkdown = (info) => OF_MARKDOWN.test(info.trim());

export function fences(markdown) {
  markdown.block.ruler.before("fence", "fence_of_markdown", fenceOfMarkdown, { alt: ["paragraph", "reference", "blockquote", "list"] });
}

// Left to the standard where an inner block has no end of its own: all that follows would be in the block.
function fenceOfMarkdown(state, startLine, endLine, silent) {
  const [, marks, info] = lineOf(state, startLine).match(FENCE) ?? [];
  if (!marks || !holdsMarkdown(info) || isCode(state, startLine)) return false;
  if (silent) return true;
  const nesting = new Nesting(marks);
  let line = startLine;
  while (nesting.marks && line + 1 < endLine && (state.isEmpty(line + 1) || state.sCount[line + 1] >= state.blkIndent)) {
    line += 1;
    if (!isCode(state, line)) nesting.read(lineOf(state, line));
  }
  const isClosed = !nesting.marks;
  if (!isClosed && state.env.isWhole) return false;
  state.line = line + 1;
  const content = state.getLines(startLine + 1, isClosed ? line : line + 1, state.sCount[startLine], true);
  Object.assign(state.push("fence", "code", 0), { info, content, markup: marks, map: [startLine, line + 1] });
  return true;
}
