// Markdown to HTML text, block by block, with this product's rules. Cleaning for the page is markdown_view's part.
import MarkdownIt from "markdown-it/browser";
import { highlight, languageOf } from "./highlight.js";
import { fences } from "./markdown_fences.js";
import { marks } from "./markdown_marks.js";
import { maths } from "./markdown_math.js";
import { notes, notesOf } from "./markdown_notes.js";
import { tables } from "./markdown_tables.js";
import { frenchSpaces, frenchSpacesAfter } from "./typography.js";

const TOP_HEADING = 3; // the page has its h1 and each turn its h2
const COLOURED_WHILE_OPEN = 4000; // characters; what follows in a block being written is coloured when the block closes
const COLOURED = 20_000; // characters of a closed block
const REACHABLE = /^(?:https?|mailto|tel):/i;
const LONGEST_ADDRESS = 200;
const ENDLESS = /\S{5000}/; // a word that takes seconds to be broken into lines in the font of the text
const HEAVIEST = 12_000; // tokens of one block, some three thousand cells of a table; beyond, its source is shown

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true });
// Both would let a later line change a block that was already shown.
markdown.disable(["reference", "lheading"]);
markdown.use(marks).use(tables).use(fences).use(maths).use(notes);

markdown.core.ruler.push("house_style", ({ tokens, env }) => {
  tokens.forEach((token, index) => {
    if (token.type !== "inline") return;
    if (tokens[index - 2]?.type === "list_item_open") markTask(tokens[index - 2], token.children[0]);
    styleInline(token.children, env);
  });
});

// "- [x] done" and "- [ ] to do": the box is drawn by whoever puts the text on the page.
function markTask(item, text) {
  const box = text?.type === "text" && text.content.match(/^\[([ xX])\]\s+/);
  if (!box) return;
  item.attrSet("data-task", box[1] === " " ? "open" : "done");
  text.content = text.content.slice(box[0].length);
}

function styleInline(children, { french }) {
  let link = null;
  tellDeadLinks(children);
  children.forEach((token, index) => {
    if (token.type === "link_open") {
      link = token;
      token.attrSet("target", "_blank");
      token.attrSet("rel", "noopener noreferrer nofollow");
    }
    if (token.type === "link_close") link = null;
    if (token.type === "image") token.meta = { insideLink: link !== null };
    if (token.type === "text" && french && link?.markup !== "linkify") {
      const previous = children[index - 1];
      const startsLine = !previous || previous.type.endsWith("break");
      token.content = startsLine ? frenchSpaces(token.content) : frenchSpacesAfter(token.content);
    }
  });
}

// An address that leads nowhere from here, as a path or ftp:, is no link: it is written behind the words.
function tellDeadLinks(children) {
  let dead = null;
  for (const token of children) {
    const address = token.type === "link_open" && token.attrGet("href");
    if (address && !REACHABLE.test(address)) {
      const told = markdown.normalizeLinkText(address);
      dead = { told, isTold: told.startsWith("#") || told.length > LONGEST_ADDRESS };
      Object.assign(token, { type: "text", content: "" });
    } else if (dead && token.type === "link_close") {
      Object.assign(token, { type: "text", content: dead.isTold ? "" : ` (${dead.told})` });
      dead = null;
    } else if (dead) dead.isTold ||= token.content === dead.told;
  }
}

const { rules } = markdown.renderer;
const { escapeHtml } = markdown.utils;

// Where the headings of one answer are: the first is the top one, and none jumps more than a level down; and its notes' numbers.
export class Outline {
  constructor({ first = null, last = TOP_HEADING - 1, notes: numbers = [] } = {}) {
    Object.assign(this, { first, last, notes: new Map(numbers) });
  }

  number(name) {
    if (!this.notes.has(name)) this.notes.set(name, this.notes.size + 1);
    return this.notes.get(name);
  }

  place(level) {
    this.first ??= level;
    this.last = Math.min(6, this.last + 1, Math.max(TOP_HEADING, TOP_HEADING + level - this.first));
  }
}

rules.heading_open = (tokens, index, options, { outline }) => {
  outline.place(Number(tokens[index].tag[1]));
  return `<h${outline.last}>`;
};
rules.heading_close = (tokens, index, options, { outline }) => `</h${outline.last}>\n`;

// Pictures are not fetched: the model's text must not make browsers call other machines.
rules.image = (tokens, index) => {
  const { content, meta } = tokens[index];
  const source = tokens[index].attrGet("src") ?? "";
  const label = escapeHtml(content || source);
  if (meta.insideLink || !/^https?:/i.test(source)) return label;
  return `<a href="${escapeHtml(source)}" target="_blank" rel="noopener noreferrer nofollow">${label}</a>`;
};

rules.table_open = () => '<div class="sheet" tabindex="0"><table class="data">\n';
rules.table_close = () => "</table></div>\n";

// The page's security policy forbids style attributes, so alignment becomes a class.
const CELL = { "text-align:right": ' class="num"', "text-align:center": ' class="mid"' };
const cell = (tokens, index) => `<${tokens[index].tag}${CELL[tokens[index].attrGet("style")] ?? ""}>`;
rules.th_open = cell;
rules.td_open = cell;

const codeBlock = (tokens, index, options, env) => {
  const language = languageOf(tokens[index].info ?? "");
  if (language === "math" && !env.open) return rules.math_block([{ content: `$$\n${tokens[index].content}$$` }], 0);
  const name = escapeHtml(language);
  return `<pre tabindex="0"><code data-language="${name}">${coloured(tokens[index].content, language, env.open)}</code></pre>\n`;
};
rules.fence = codeBlock;
rules.code_block = codeBlock;

// A block being written is coloured up to a bound, so that each new word costs the same however long the block is.
function coloured(code, language, open) {
  const most = open ? COLOURED_WHILE_OPEN : COLOURED;
  const end = code.length > most ? code.lastIndexOf("\n", most) + 1 || most : code.length;
  const head = code.slice(0, end);
  return (highlight(head, language) ?? escapeHtml(head)) + escapeHtml(code.slice(end));
}

// isWhole: nothing follows the text.
export const parse = (text, { french = false, isWhole = true } = {}) => markdown.parse(text, { french, isWhole, footnotes: notesOf() });

// open: the block is still being written. outline goes on through the blocks of one answer.
export const render = (tokens, { open = false, outline = new Outline() } = {}) =>
  markdown.renderer.render(tokens, markdown.options, { open, outline });

// A block so heavy that drawing it would hold up the page is shown as it was written.
export function renderBlock({ tokens, source }, options) {
  const weight = tokens.reduce((sum, { children }) => sum + 1 + (children?.length ?? 0), 0);
  const isTooMuch = weight > HEAVIEST || tokens.some(({ type, content }) => type === "inline" && ENDLESS.test(content));
  return isTooMuch ? `<pre data-plain tabindex="0">${escapeHtml(source)}</pre>\n` : render(tokens, options);
}

export const renderAll = (text, options) => render(parse(text, options));

// Groups a text's tokens by top-level block: [{ tokens, start, source }], `start` being where the block begins in the text.
export function topBlocks(text, options) {
  const blocks = [];
  for (const token of parse(text, options)) {
    const startsBlock = token.level === 0 && token.nesting >= 0 && token.map;
    if (startsBlock) blocks.push({ tokens: [], line: token.map[0] });
    blocks.at(-1)?.tokens.push(token);
  }
  let [line, offset] = [0, 0];
  for (const block of blocks) {
    for (; line < block.line; line++) offset = text.indexOf("\n", offset) + 1;
    block.start = offset;
  }
  blocks.forEach((block, index) => { block.source = text.slice(block.start, blocks[index + 1]?.start); });
  return blocks;
}
