// Shows one answer's state in its article: stage, thinking, text, and what remains to say when it is over.
import { clock, duration, isFrench } from "couach/lib/format";
import { MarkdownView } from "couach/lib/markdown_view";
import { metricsDetails, metricsLine, thinkingSeconds } from "couach/lib/metrics";
import { StageView, setText } from "couach/lib/stage_view";
import { stageWords } from "couach/lib/stages";
import { t } from "couach/lib/texts";

export const HIDDEN_AT_FIRST = 300; // ms: an answer that comes at once shows no stage

export class AnswerView {
  #caret = document.createElement("span");
  #shownFrom = performance.now() + HIDDEN_AT_FIRST;

  constructor(article) {
    this.article = article;
    this.stage = new StageView(this.#part("stage"));
    this.#caret.className = "caret";
    this.#caret.setAttribute("aria-hidden", "true");
    const text = this.#part("text");
    this.markdown = new MarkdownView(text, {
      french: isFrench(), beforeRender: () => this.#caret.remove(), afterRender: () => this.#placeCaret(text),
    });
    text.classList.replace("raw", "prose-fr");
  }

  // lost: seconds until the next try, or null; stopping: the person asked to stop.
  show(state, { lost = null, stopping = false, now = Date.now() } = {}) {
    const waiting = state.active && state.stage !== "writing";
    this.writing = state.active && state.stage === "writing" && lost === null;
    setText(this.#part("heading"), t("answer_by", { model: state.model }));
    this.#toggle("stage", waiting && lost === null && !stopping && performance.now() > this.#shownFrom);
    if (waiting) this.stage.show(state, now);
    this.#showThinking(state);
    this.#toggle("text", state.content !== "");
    if (state.active) this.markdown.grow(state.content);
    else this.markdown.finish(state.content);
    this.#showProgress(state, { lost, stopping, now });
    this.#showEnd(state);
  }

  dispose() {
    this.markdown.stop();
  }

  #showThinking(state) {
    const live = state.active && state.stage === "thinking";
    this.#toggle("thinking", state.thinking !== "");
    if (!state.thinking) return;
    const body = this.#part("thinking-text");
    const seconds = state.thinkingMs ? state.thinkingMs / 1000 : thinkingSeconds(state);
    setText(this.#part("thinking-label"), seconds ? t("thought_for", { duration: duration(seconds) }) : t("thought"));
    const button = this.#part("thinking-button");
    button.hidden = live;
    if (live) body.hidden = false;
    else if (this.wasThinking) body.hidden = button.getAttribute("aria-expanded") !== "true";
    this.wasThinking = live;
    body.classList.toggle("thinking__window", live);
    appendText(body, state.thinking);
    if (live) body.scrollTop = body.scrollHeight;
  }

  #showProgress(state, { lost, stopping, now }) {
    const words = state.active ? stageWords(state, now) : { title: "", detail: "" };
    this.#toggle("writing", this.writing && !stopping);
    setText(this.#part("writing-title"), words.title);
    setText(this.#part("writing-detail"), words.detail);
    this.#toggle("stopping", state.active && stopping && lost === null);
    this.#toggle("lost", state.active && lost !== null);
    if (lost !== null) setText(this.#part("lost-detail"), t("retry_in", { duration: duration(lost) }));
  }

  #showEnd(state) {
    for (const line of this.article.querySelectorAll("[data-ending]")) line.hidden = line.dataset.ending !== state.status;
    this.#toggle("resume-failed", state.canResume);
    this.#toggle("foot", !state.active);
    if (state.active) return;
    const after = state.metrics?.total_ms;
    setText(this.#part("stopped"), after ? t("stopped_after", { duration: duration(after / 1000) }) : t("stopped"));
    setText(this.#part("interrupted"), state.finishedAt ? t("interrupted_at", { time: clock(state.finishedAt) }) : t("interrupted"));
    setText(this.#part("failed"), state.error?.message || t("error_unexpected"));
    this.#toggle("copy", state.content !== "");
    this.#toggle("cut", state.status === "done" && state.reason === "length");
    this.#showMetrics(state);
  }

  #showMetrics(state) {
    const line = this.#part("metrics");
    line.replaceChildren(...metricsLine(state).flatMap((part, index) => (index ? [separator(), part] : [part])));
    line.disabled = !state.metrics;
    const list = this.#part("details");
    const row = this.#part("detail-row").content;
    list.querySelectorAll("dt, dd").forEach((old) => old.remove());
    for (const { label, value } of state.metrics ? metricsDetails(state) : []) {
      const pair = row.cloneNode(true);
      pair.querySelector("dt").textContent = label;
      pair.querySelector("dd").textContent = value;
      list.append(pair);
    }
  }

  #placeCaret(text) {
    if (!this.writing) return;
    let place = text;
    while (place.lastElementChild?.matches("p, ul, ol, li, blockquote, h3, h4, h5, h6, .code, pre, code")) place = place.lastElementChild;
    if (place !== text) place.append(this.#caret);
  }

  #part(name) {
    return this.article.querySelector(`[data-part="${name}"]`);
  }

  #toggle(name, shown) {
    this.#part(name).hidden = !shown;
  }
}

// Adds only what is new, so that a long thought does not cost more with each word.
function appendText(element, text) {
  const shown = element.textContent.length;
  if (text.length >= shown && element.firstChild) element.firstChild.appendData(text.slice(shown));
  else element.textContent = text;
}

function separator() {
  const dot = document.createElement("span");
  dot.className = "sep";
  dot.textContent = "·";
  return dot;
}
