// Shows one answer's state in its article: stage, thinking, text, and what remains to say when it is over.
import { linkCitations } from "./citations.js";
import { clock, duration, fineDuration, isFrench } from "./format.js";
import { MarkdownView } from "./markdown_view.js";
import { metricsDetails, metricsLine } from "./metrics.js";
import { StageView, setText } from "./stage_view.js";
import { stageWords } from "./stages.js";
import { t, tn } from "./texts.js";
import { ThoughtView } from "./thought_view.js";

export const HIDDEN_AT_FIRST = 300; // ms: an answer that comes at once shows no stage

export class AnswerView {
  #caret = document.createElement("span");
  #shownFrom;

  // question: the passages that it was written from, or the documents, or neither.
  constructor(article, question) {
    this.article = article;
    this.question = question;
    this.waitAnew();
    this.stage = new StageView(this.#part("stage"));
    this.#caret.className = "caret";
    this.#caret.setAttribute("aria-hidden", "true");
    const text = this.#part("text");
    this.thought = new ThoughtView({
      part: this.#part("thinking"), button: this.#part("thinking-button"), label: this.#part("thinking-label"), body: this.#part("thinking-text"),
    }, { french: isFrench() });
    this.markdown = new MarkdownView(text, {
      french: isFrench(), beforeRender: () => this.#caret.remove(), afterRender: () => this.#placeCaret(text),
      dress: (fragment) => linkCitations(fragment, this.question),
    });
    text.classList.replace("raw", "prose-fr");
  }

  waitAnew() {
    this.#shownFrom = performance.now() + HIDDEN_AT_FIRST;
  }

  // lost: seconds until the next try, or null; stopping: the person asked to stop.
  show(state, { lost = null, stopping = false, now = Date.now() } = {}) {
    const waiting = state.active && state.stage !== "writing";
    this.writing = state.active && state.stage === "writing" && lost === null;
    setText(this.#part("heading"), t("answer_by", { model: state.model }));
    this.#toggle("stage", waiting && lost === null && !stopping && performance.now() > this.#shownFrom);
    if (waiting) this.stage.show(state, now);
    this.#toggle("queued", state.stage === "queued");
    this.thought.show(state);
    this.#toggle("text", state.content !== "");
    if (state.active) this.markdown.grow(state.content);
    else this.markdown.finish(state.content);
    this.#showUnseen(state);
    this.#showProgress(state, { lost, stopping, now });
    this.#showEnd(state);
  }

  dispose() {
    this.markdown.stop();
  }

  // Nothing but pictures was left out: the model sees none.
  #showUnseen({ model, leftOut }) {
    const names = leftOut && !leftOut.count ? leftOut.unread : [];
    this.#toggle("unseen", names.length > 0);
    setText(this.#part("unseen-words"), names.length ? tn("pictures_left_out", names.length, { model, names: names.join(", ") }) : "");
  }

  #showProgress(state, { lost, stopping, now }) {
    const words = this.writing ? stageWords(state, now) : { title: "", detail: "" };
    this.#toggle("writing", this.writing && !stopping);
    setText(this.#part("writing-title"), words.title);
    setText(this.#part("writing-detail"), words.detail);
    this.#toggle("stopping", state.active && stopping && lost === null);
    this.#toggle("lost", state.active && lost !== null);
    if (lost !== null) setText(this.#part("lost-detail"), t("retry_in", { duration: duration(lost) }));
  }

  #showEnd(state) {
    for (const line of this.article.querySelectorAll("[data-ending]")) line.hidden = line.dataset.ending !== state.status;
    for (const button of this.article.querySelectorAll("[data-part=resume]")) button.hidden = !state.canResume;
    this.#toggle("regenerate", state.status !== "interrupted" && state.status !== "failed"); // their notices have one
    this.#toggle("kept", state.content !== "");
    const redo = this.#part("redo");
    if (redo) redo.hidden = state.status !== "done" || state.model !== redo.dataset.of;
    this.#toggle("foot", !state.active);
    if (state.active) return;
    const after = fineDuration(state.metrics?.total_ms ?? 0);
    setText(this.#part("stopped"), after ? t("stopped_after", { duration: after }) : t("stopped"));
    setText(this.#part("interrupted"), state.finishedAt ? t("interrupted_at", { time: clock(state.finishedAt) }) : t("interrupted"));
    setText(this.#part("failed"), state.error?.message || t("error_unexpected"));
    this.#toggle("copy", state.content !== "");
    this.#toggle("cut", state.status === "done" && state.reason === "length");
    this.#toggle("loop", state.status === "done" && state.reason === "loop");
    this.#showSources(state.sources);
    this.#showMetrics(state);
  }

  // What was checked of an answer from passages, or from the parts of whole documents, and did not hold.
  #showSources(sources) {
    const figures = sources?.figures ?? [];
    const unknown = sources?.unknown ?? [];
    const [unread, missing, mark] = this.question.passages.length ? ["figures_unknown", "sources_unknown", ""] : ["figures_unread", "pages_unknown", "p. "];
    const words = [
      figures.length && tn(unread, figures.length, { figures: figures.join(", ") }),
      unknown.length && tn(missing, unknown.length, { numbers: unknown.map((number) => `[${mark}${number}]`).join(" ") }),
    ].filter(Boolean);
    this.#toggle("sources", words.length > 0);
    setText(this.#part("sources-words"), words.join(" "));
  }

  #showMetrics(state) {
    const line = this.#part("metrics");
    line.replaceChildren(...metricsLine(state).flatMap((words, index) => (index ? [span("sep", "·"), span("", words)] : [span("", words)])));
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

function span(className, words) {
  const piece = document.createElement("span");
  piece.className = className;
  piece.textContent = words;
  return piece;
}
