// Text of a document as nodes, with some of it marked: text stays text, whatever is written in it. Of headings, which
// begin with "# ", the sign is not seen.
const HEADING = /^#{1,6} (?=\S)/;

// ranges: [start, end], in order; one that overlaps the one before it is left out. Each mark knows its start.
export function documentText(text, ranges) {
  const nodes = [];
  let at = 0;
  for (const line of text.split(/(?<=\n)/)) {
    const [sign = ""] = line.match(HEADING) ?? [];
    const words = markedText(line.slice(sign.length), within(ranges, at + sign.length, at + line.length), at + sign.length);
    nodes.push(...(sign ? [heading(sign, words)] : words));
    at += line.length;
  }
  return nodes;
}

// The marks of a passage, moved to where it stands in its page; none where it does not.
export function marksInPage(page, { text, marks }) {
  const offset = page.indexOf(text);
  return offset < 0 ? [] : marks.map(([start, end]) => [start + offset, end + offset]);
}

// What of the ranges is between two places, counted from the first one.
export function within(ranges, from, to) {
  const cut = ranges.map(([start, end]) => [Math.max(start, from) - from, Math.min(end, to) - from]);
  return cut.filter(([start, end]) => start < end);
}

function markedText(text, ranges, offset) {
  const nodes = [];
  let at = 0;
  for (const [start, end] of ranges) {
    if (start < at) continue;
    const mark = document.createElement("mark");
    mark.dataset.start = start + offset;
    mark.textContent = text.slice(start, end);
    nodes.push(text.slice(at, start), mark);
    at = end;
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== "");
}

function heading(sign, words) {
  const [line, hidden] = [document.createElement("b"), document.createElement("span")];
  hidden.hidden = true;
  hidden.textContent = sign;
  line.append(hidden, ...words);
  return line;
}
