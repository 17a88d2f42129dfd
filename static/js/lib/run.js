// One run as the page sees it: starts or joins it, follows it to its end, asks for its stop.
import { request } from "couach/lib/http";
import { sentence } from "couach/lib/problems";
import { RunState } from "couach/lib/run_state";
import { follow } from "couach/lib/stream";

export class Run {
  lost = null; // seconds until the next try, while the connection is lost
  stopping = false;
  #leaving = null;
  #accepted = false;

  // page: { progress(), accepted(data), changed(), leftOut(leftOut), over(), refused(error) }
  constructor(message, page) {
    this.state = new RunState(message);
    this.page = page;
  }

  start(request) {
    return this.#follow({ start: request });
  }

  // Without any text yet, the stages passed are worth hearing again.
  join({ stream, last_event: last, attempt }) {
    this.#accepted = true;
    return this.#follow({ stream, attempt, after: this.state.content || this.state.thinking ? last : 0 });
  }

  leave() {
    this.#leaving?.abort();
    Object.assign(this, { lost: null, stopping: false });
  }

  // The server stops the work; the text stands until it confirms. Before it has accepted, only the asking can stop.
  async stop() {
    if (!this.state.active) return;
    this.stopping = true;
    this.page.progress();
    if (this.#accepted) await request(`/api/messages/${this.state.id}/stop`, { method: "POST" });
    else if (this.lost !== null) this.#end(new DOMException("Stopped by the person", "AbortError"));
  }

  async #follow(source) {
    this.leave();
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.state.await();
    this.page.changed();
    try {
      for await (const item of follow({ ...source, signal })) {
        this.lost = item.kind === "lost" ? item.seconds : null;
        if (item.kind === "event") this.#take(item);
        else this.page.progress();
      }
    } catch (error) {
      if (!signal.aborted) this.#end(error);
    }
  }

  #take({ name, data }) {
    const before = this.state.stage;
    this.state.apply(name, data);
    if (name === "accepted") this.#begin(data);
    if (name === "context" && this.state.leftOut) this.page.leftOut(this.state.leftOut);
    if (name === "done") this.#end();
    else if (this.state.stage !== before || name === "queued") this.page.changed();
    else this.page.progress();
  }

  #begin(data) {
    const first = !this.#accepted;
    this.#accepted = true;
    if (first) this.page.accepted(data);
    if (first && this.stopping) this.stop();
  }

  // A request that was refused, a run that cannot be reached any more, or simply the end.
  #end(error = null) {
    const begun = this.#accepted;
    this.leave();
    this.#accepted = false;
    if (error) this.state.fail(sentence(error));
    this.page.changed();
    if (error && !begun) this.page.refused(error);
    else this.page.over();
  }
}
