// Cuts growing Markdown into finished blocks, given once and never again, and the last one, which may still change.
import { closeMarkdown } from "./close_markdown.js";
import { Outline, renderBlock, topBlocks } from "./markdown.js";

export class Blocks {
  #text = "";
  #start = 0; // where the unfinished part begins
  #decided = 0; // end of the last whole line that was looked at
  #outline = new Outline(); // of the finished blocks
  #options;

  constructor(options = {}) {
    this.#options = { ...options, isWhole: false };
  }

  // Takes the whole text so far; gives { finished: [html of each newly finished block], tail: html }.
  update(text) {
    this.#text = text;
    const finished = this.#settle();
    const outline = new Outline(this.#outline);
    const tail = topBlocks(closeMarkdown(text.slice(this.#start)), this.#options).map((block) => renderBlock(block, { open: true, outline }));
    return { finished, tail: tail.join("") };
  }

  // The text is complete: everything left is finished.
  finish(text) {
    const rest = text.slice(this.#start);
    this.#start = this.#decided = text.length;
    return this.#render(topBlocks(rest, { ...this.#options, isWhole: true }));
  }

  // Only whole lines decide: "#" may become a heading or a hashtag. With whole lines, all blocks but the last are final.
  #settle() {
    const end = this.#text.lastIndexOf("\n") + 1;
    if (end <= this.#decided) return [];
    this.#decided = end;
    const source = this.#text.slice(this.#start, end);
    const blocks = topBlocks(source, this.#options);
    if (blocks.length < 2) return [];
    this.#start += blocks.at(-1).start;
    return this.#render(blocks.slice(0, -1));
  }

  #render(blocks) {
    return blocks.map((block) => renderBlock(block, { outline: this.#outline }));
  }
}

// Line ends as Markdown counts them; a lone CR at the end waits for its LF.
export const normalizeLines = (text) => text.replace(/\r\n?/g, "\n");
