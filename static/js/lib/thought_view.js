// Shows an answer's thinking: a window on its last lines while it grows, folded away at the end unless the person used it.
import { duration } from "./format.js";
import { thinkingSeconds } from "./metrics.js";
import { setText } from "./stage_view.js";
import { t } from "./texts.js";
import { frenchSpaces } from "./typography.js";

const LONGEST_LINE = 2000; // characters that are set and written anew with each word
const AT_END = 8; // px
const USES = ["pointerdown", "wheel", "touchmove", "keydown", "focusin"];

export class ThoughtView {
  #finished = new Text();
  #line = new Text();
  #thought = "";
  #lineFrom = 0;
  #wasLive = false;
  #isUsed = false;

  constructor({ part, button, label, body }, { french }) {
    Object.assign(this, { part, button, label, body, typeset: french ? frenchSpaces : (text) => text });
    body.replaceChildren(this.#finished, this.#line);
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", t("thought"));
    for (const use of USES) body.addEventListener(use, () => { this.#isUsed ||= this.#wasLive; }, { passive: true });
  }

  show(state) {
    this.part.hidden = state.thinking === "";
    if (!state.thinking) return;
    const live = state.active && state.stage === "thinking";
    const seconds = state.thinkingMs ? state.thinkingMs / 1000 : thinkingSeconds(state);
    setText(this.label, seconds ? t("thought_for", { duration: duration(seconds) }) : t("thought"));
    this.button.hidden = live; // the stage above tells how long it has been
    if (live) this.body.hidden = false;
    else if (this.#wasLive) this.#fold(!this.#isUsed);
    this.#wasLive = live;
    this.body.classList.toggle("thinking__window", live);
    this.#write(state.thinking, { following: live && this.#isAtEnd });
  }

  #fold(away) {
    this.body.hidden = away;
    this.button.setAttribute("aria-expanded", String(!away));
    this.#isUsed = false;
  }

  get #isAtEnd() {
    return !this.#isUsed || this.body.scrollTop + this.body.clientHeight >= this.body.scrollHeight - AT_END;
  }

  // Finished lines are written once, so that a long thought does not cost more with each word.
  #write(thought, { following }) {
    if (thought !== this.#thought) {
      if (!thought.startsWith(this.#thought)) this.#begin();
      this.#thought = thought;
      const longest = thought.length - LONGEST_LINE;
      const lineFrom = Math.max(this.#lineFrom, thought.lastIndexOf("\n") + 1, longest > this.#lineFrom + LONGEST_LINE ? longest : 0);
      if (lineFrom > this.#lineFrom) this.#finished.appendData(this.typeset(thought.slice(this.#lineFrom, lineFrom)));
      this.#lineFrom = lineFrom;
      this.#line.data = this.typeset(thought.slice(lineFrom));
    }
    if (following) this.body.scrollTop = this.body.scrollHeight;
    if (this.#wasLive) this.body.classList.toggle("is-full", this.body.scrollTop > 0);
  }

  #begin() {
    this.#finished.data = "";
    this.#lineFrom = 0;
  }
}
