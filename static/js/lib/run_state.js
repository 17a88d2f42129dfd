// What is known of one run: folds its events, in order, into the stage, the texts and the figures to show.
import { countWords, secondsLeft } from "./format.js";
import { isActive } from "./wire.js";

export class RunState {
  constructor(message, now = Date.now()) {
    this.legs = new Set();
    this.#load(message, now);
  }

  get active() {
    return isActive(this.status);
  }

  get canResume() {
    const isCut = this.status !== "done" || this.reason === "length";
    return !this.active && isCut && this.content !== "";
  }

  // Asked to start or to go on; the server has not answered yet. A queue is only spoken of when it says that there is one.
  await(now = Date.now()) {
    if (!this.active) Object.assign(this, { status: "queued", stage: "reading", since: now, joined: true, position: null, reading: null, part: null });
  }

  fail(message) {
    Object.assign(this, { status: "failed", stage: "over", error: { code: "unreachable", message } });
  }

  apply(name, data, now = Date.now()) {
    this[`on_${name}`]?.(data, now);
  }

  on_accepted({ message, reset }, now) {
    const began = reset && this.stage === "writing" ? this.since : now; // what was shown as text may have been thinking
    this.#load(message, now);
    if (this.stage === "thinking") this.since = began;
    if (!reset) this.legs.clear();
  }

  // Position 0: whoever waited has their turn.
  on_queued({ position, ahead = position, own = 0, eta_s: eta }, now) {
    this.#enter(position > 0 ? "queued" : "reading", now);
    Object.assign(this, { status: position > 0 ? "queued" : "running", position, ahead, own, eta, etaAt: now });
  }

  // Seconds left of the wait that was told; 0 when it is longer than that, null when nobody knows.
  waitLeft(now) {
    return this.stage === "queued" && this.eta != null ? secondsLeft(this.eta, this.etaAt, now) : null;
  }

  on_loading({ model, elapsed_s: elapsed = 0 }, now) {
    this.#enter("loading", now);
    this.model = model ?? this.model;
    this.since = now - elapsed * 1000;
  }

  // Long documents are read part by part, at their time; with all parts noted, the answer is begun.
  on_part({ done, total, when, reading }, now) {
    this.part = { done, total, when, reading };
    this.#enter(total && done === total ? "reading" : "part", now);
    this.status = "queued";
  }

  on_reading({ done, total }, now) {
    this.#enter("reading", now);
    if (!this.reading) this.readingFrom = { done, at: now };
    this.reading = { done, total, at: now };
  }

  // Pictures alone are left out where the model sees none.
  on_context({ left_out: count, first_read: firstRead, unread }) {
    this.leftOut = { count, first_read: firstRead, unread };
  }

  on_thinking({ text }, now) {
    this.#enter("thinking", now);
    this.thinking += text;
  }

  on_text({ text }, now) {
    if (this.stage === "thinking") this.thinkingMs = now - this.since;
    if (this.stage !== "writing") this.wordsBefore = countWords(this.content);
    this.#enter("writing", now);
    this.content += text;
  }

  on_done({ status, reason, error, metrics, sources = null }, now) {
    if (this.stage === "thinking") this.thinkingMs = now - this.since;
    Object.assign(this, { status, reason, error, metrics, sources, stage: "over", finishedAt: new Date(now).toISOString() });
  }

  // Share of the new words that were read, and the seconds left at the pace seen so far (null until there is one).
  get readingProgress() {
    if (!this.reading?.total) return null;
    const { done, total, at } = this.reading;
    const seconds = (at - this.readingFrom.at) / 1000;
    const pace = seconds > 0 ? (done - this.readingFrom.done) / seconds : 0;
    return { ratio: Math.min(1, done / total), left: pace > 0 ? (total - done) / pace : null };
  }

  // Words per second since the text began to arrive here; null for the first two seconds, when it would jump.
  wordRate(now) {
    const seconds = (now - this.since) / 1000;
    return this.stage === "writing" && seconds >= 2 ? (countWords(this.content) - this.wordsBefore) / seconds : null;
  }

  #load(message, now) {
    Object.assign(this, {
      id: message.id, model: message.model ?? "", think: message.think, status: message.status, reason: message.reason,
      error: message.error, metrics: message.metrics, sources: message.sources ?? null, finishedAt: message.finished_at, leftOut: message.left_out,
      content: message.content ?? "", thinking: message.thinking ?? "", position: null, ahead: null, own: 0, eta: null, reading: null,
      part: message.part && { ...message.part, reading: false }, thinkingMs: this.thinkingMs ?? null, since: now, joined: true,
    });
    this.stage = this.#stageOf();
    this.wordsBefore = countWords(this.content);
    if (this.active) this.legs.add(this.stage);
  }

  #stageOf() {
    if (!this.active) return "over";
    if (this.part) return "part";
    if (this.status === "queued") return "reading";
    if (this.content) return "writing";
    return this.thinking ? "thinking" : "reading";
  }

  #enter(stage, now) {
    if (this.stage === stage) return;
    Object.assign(this, { stage, since: now, joined: false });
    if (stage !== "queued") this.status = "running";
    this.legs.add(stage);
  }
}
