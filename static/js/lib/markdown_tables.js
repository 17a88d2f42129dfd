// Tables as models write them. By the standard, one dash too few shows a whole table as bars, and cells beyond the heads are
// dropped: here every table has as many columns as its longest row.
import { isCode, lineOf } from "./markdown_lines.js";

const DASHES = /^\|?\s*:?-+:?\s*(?:[|+]\s*:?-+:?\s*)*\|?\s*$/;
const CODE = /(`+)[^`]+\1(?!`)/g;
const MOST_CELLS = 65_536;

export function tables(markdown) {
  markdown.block.ruler.at("table", table, { alt: ["paragraph", "reference"] });
}

// Whether a line of heads with a line of dashes under it begins a table.
export function beginsTable(head, dashes) {
  if (!head.includes("|") || !DASHES.test(dashes)) return false;
  const heads = cellsOf(head).length;
  return heads === cellsOf(dashes).length || (heads > 1 && dashes.includes("|"));
}

function table(state, startLine, endLine, silent) {
  const next = startLine + 1;
  if (next >= endLine || isCode(state, startLine) || isCode(state, next) || state.sCount[next] < state.blkIndent) return false;
  if (!beginsTable(lineOf(state, startLine), lineOf(state, next))) return false;
  if (silent) return true;
  const heads = cellsOf(lineOf(state, startLine));
  const end = endOfRows(state, next + 1, endLine);
  const rows = [];
  for (let line = next + 1; line < end; line++) rows.push(cellsOf(lineOf(state, line), heads.length));
  const width = rows.reduce((most, { length }) => Math.max(most, length), heads.length);
  if (width * rows.length > MOST_CELLS) return false;
  const styles = cellsOf(lineOf(state, next)).map(styleOf);
  const row = (cells, tag, line) => pushRow(state, { cells, tag, line, width, styles });
  state.push("table_open", "table", 1).map = [startLine, end];
  state.push("thead_open", "thead", 1);
  row(heads, "th", startLine);
  state.push("thead_close", "thead", -1);
  if (rows.length) state.push("tbody_open", "tbody", 1);
  rows.forEach((cells, index) => row(cells, "td", next + 1 + index));
  if (rows.length) state.push("tbody_close", "tbody", -1);
  state.push("table_close", "table", -1);
  state.line = end;
  return true;
}

function endOfRows(state, first, endLine) {
  const others = state.md.block.ruler.getRules("blockquote");
  const { parentType } = state;
  state.parentType = "table";
  let line = first;
  const isRow = () => line < endLine && !state.isEmpty(line) && state.sCount[line] >= state.blkIndent && !isCode(state, line)
    && !others.some((begins) => begins(state, line, endLine, true));
  while (isRow()) line += 1;
  state.parentType = parentType;
  return line;
}

function pushRow(state, { cells, tag, line, width, styles }) {
  state.push("tr_open", "tr", 1).map = [line, line + 1];
  for (let column = 0; column < width; column++) {
    const opening = state.push(`${tag}_open`, tag, 1);
    if (styles[column]) opening.attrSet("style", styles[column]);
    Object.assign(state.push("inline", "", 0), { content: cells[column] ?? "", children: [] });
    state.push(`${tag}_close`, tag, -1);
  }
  state.push("tr_close", "tr", -1);
}

// Where a row has more cells than there are heads, a bar within code may be the reason.
function cellsOf(row, expected = Infinity) {
  const cells = split(row);
  return cells.length > expected ? split(row.replace(CODE, (code) => code.replace(/(?<!\\)\|/g, "\\|"))) : cells;
}

function split(row) {
  const cells = row.trim().split(DASHES.test(row) ? /[|+]/ : /(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  if (cells[0] === "") cells.shift();
  if (cells.at(-1) === "") cells.pop();
  return cells;
}

function styleOf(dashes) {
  if (dashes.endsWith(":")) return `text-align:${dashes.startsWith(":") ? "center" : "right"}`;
  return dashes.startsWith(":") ? "text-align:left" : "";
}
