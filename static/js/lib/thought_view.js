// Shows a growing thought: finished lines are written once, so that a long thought does not cost more with each word.
import { frenchSpaces } from "couach/lib/typography";

export class ThoughtView {
  #finished = new Text();
  #line = new Text();
  #thought = "";
  #lineFrom = 0;

  constructor(element, { french }) {
    this.mend = french ? frenchSpaces : (text) => text;
    element.replaceChildren(this.#finished, this.#line);
  }

  // The whole thought so far.
  show(thought) {
    if (thought === this.#thought) return;
    if (!thought.startsWith(this.#thought)) this.#begin();
    this.#thought = thought;
    const lineFrom = thought.lastIndexOf("\n") + 1;
    this.#finished.appendData(this.mend(thought.slice(this.#lineFrom, lineFrom)));
    this.#lineFrom = lineFrom;
    this.#line.data = this.mend(thought.slice(lineFrom));
  }

  #begin() {
    this.#finished.data = "";
    this.#lineFrom = 0;
  }
}
