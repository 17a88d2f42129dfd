// Marks inside lines where what models write is not what the standard reads: there the words would lose letters, or show marks.
const OPENING = /[\s\p{Ps}\p{Pi}\p{Pd}'’"|/*_~…。、，：；！？]/u; // may stand before what begins
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const LINE_BREAK = /<br\s*\/?>/iy;
const SPECIAL_NAME = /__[a-z][a-z0-9]*(?:_[a-z0-9]+)*__(?![\p{L}\p{N}_])/uy;
const TWO_BACKSLASHES = /\\\\(?=[\p{L}\p{N}])/uy;

export function marks(markdown) {
  markdown.inline.State = class extends markdown.inline.State {
    scanDelims(start, canSplitWord) {
      const found = super.scanDelims(start, canSplitWord);
      return this.src[start] === "*" ? starsAt(this.src, start, found) : found;
    }
  };
  const { ruler } = markdown.inline;
  ruler.before("escape", "two_backslashes", asWritten(TWO_BACKSLASHES));
  ruler.before("emphasis", "special_name", asWritten(SPECIAL_NAME));
  ruler.before("html_inline", "line_break", lineBreak);
}

// **Prix :**12 is bold up to its colon; 2*3*4, x**2 and *.txt keep their stars.
function starsAt(text, start, found) {
  const { length } = found;
  if (isLiteral(text, start, length)) return { ...found, can_open: false, can_close: false };
  if (isLateEnd(text, start, length)) return { ...found, can_open: false, can_close: true };
  const [before = " ", after = " "] = [text[start - 1], text[start + length]];
  if (/\s/.test(before) || /\s/.test(after)) return found;
  if (!found.can_close && isOpenedBefore(text, start, length)) return { ...found, can_open: false, can_close: true };
  return UNSPACED.test(before) ? { ...found, can_open: true } : found;
}

// **Prix : **12 ends behind the space that follows the colon.
export function isLateEnd(text, start, length) {
  return /[:;!?»]\s/.test(text.slice(Math.max(0, start - 2), start)) && isOpenedBefore(text, start, length);
}

// Stars between two factors, unless they end what stars began; and the one of *.txt.
export function isLiteral(text, start, length) {
  const [before = " ", after = " ", next = " "] = [text[start - 1], text[start + length], text[start + length + 1]];
  if (length === 1 && after === "." && /\p{L}/u.test(next)) return true;
  const areFactors = /[\p{Script=Latin}\p{N})\]]/u.test(before) && /[\p{Script=Latin}\p{N}(]/u.test(after);
  const isPower = /[\p{N})\]]/u.test(before) || /\p{N}/u.test(after);
  return areFactors && (length === 1 || (length === 2 && isPower)) && !isOpenedBefore(text, start, length);
}

// The stars before these stand where only a beginning can: behind a space or an opening sign, and before a letter.
function isOpenedBefore(text, start, length) {
  const end = text.lastIndexOf("*", start - 1) + 1;
  if (!end || start === 0) return false;
  let begin = end - 1;
  while (text[begin - 1] === "*") begin -= 1;
  const [before = " ", after = " "] = [text[begin - 1], text[end]];
  return end - begin === length && /\S/.test(after) && (OPENING.test(before) || UNSPACED.test(before));
}

// The only tag that is obeyed: in the cell of a table there is no other way to begin a line.
function lineBreak(state, silent) {
  const found = matchAt(LINE_BREAK, state);
  if (found && !silent) state.push("hardbreak", "br", 0);
  return take(state, found);
}

// \\server\folder and __init__ keep all of their letters.
const asWritten = (pattern) => (state, silent) => {
  const found = matchAt(pattern, state);
  if (found && !silent) state.pending += found;
  return take(state, found);
};

function matchAt(pattern, { src, pos }) {
  pattern.lastIndex = pos;
  return pattern.exec(src)?.[0] ?? "";
}

function take(state, found) {
  state.pos += found.length;
  return found !== "";
}
