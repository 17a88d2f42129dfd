// One run as the page sees it: starts or joins it, follows it to its end, asks for its stop.
// Events: "progress" (there is something to show), "stage" (another stage, or the end), "accepted", "context",
// "connection" (lost or back), "unstopped" (the stop was refused), "refused" (it never began), "over".
import { request } from "./http.js";
import { sentence } from "./problems.js";
import { RunState } from "./run_state.js";
import { follow, retryNow } from "./stream.js";

export class Run extends EventTarget {
  lost = null; // seconds until the next try, while the connection is lost
  stopping = false;
  #message;
  #leaving = null;
  #accepted = false;

  constructor(message) {
    super();
    this.#message = message;
    this.state = new RunState(message);
  }

  // start: { url, body, repeatable }.
  start(start) {
    return this.#follow({ start });
  }

  // Without any text yet, the stages passed are worth hearing again.
  join() {
    const { stream, last_event: last, attempt } = this.#message;
    this.#accepted = true;
    return this.#follow({ stream, attempt, after: this.state.content || this.state.thinking ? last : 0 });
  }

  leave() {
    this.#leaving?.abort();
    this.stopping = false;
    this.#lose(null);
  }

  // The server stops the work; the text stands until it confirms. Before it has accepted, only the asking can stop.
  async stop() {
    if (!this.state.active) return;
    this.stopping = true;
    this.#tell("progress");
    try {
      if (this.#accepted) {
        await request(`/api/messages/${this.state.id}/stop`, { method: "POST" });
        if (this.state.stage === "part") retryNow(); // it may rest for a while
      } else if (this.lost !== null) this.#end(new DOMException("Stopped by the person", "AbortError"));
    } catch (error) {
      this.stopping = false;
      this.#tell("progress");
      this.#tell("unstopped", { error });
    }
  }

  async #follow(source) {
    this.leave();
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.state.await();
    this.#tell("stage");
    try {
      for await (const item of follow({ ...source, signal })) {
        this.#lose(item.kind === "lost" ? item.seconds : null);
        if (item.kind === "event") this.#take(item);
        else this.#tell("progress");
      }
    } catch (error) {
      if (!signal.aborted) this.#end(error);
    }
  }

  #take({ name, data }) {
    const { stage, ahead } = this.state;
    this.state.apply(name, data);
    if (name === "accepted") this.#begin(data);
    if (name === "context" && this.state.leftOut) this.#tell("context", this.state.leftOut);
    if (name === "done") this.#end();
    else if (this.state.stage !== stage || this.state.ahead !== ahead) this.#tell("stage");
    else this.#tell("progress");
  }

  #begin(data) {
    const first = !this.#accepted;
    this.#accepted = true;
    if (first) this.#tell("accepted", data);
    if (first && this.stopping) this.stop();
  }

  // A request that was refused, a run that cannot be reached any more, or simply the end.
  #end(error = null) {
    const begun = this.#accepted;
    this.leave();
    this.#accepted = false;
    if (error) this.state.fail(sentence(error));
    this.#tell("stage");
    if (error && !begun) this.#tell("refused", { error });
    else this.#tell("over");
  }

  #lose(seconds) {
    const isOther = (this.lost === null) !== (seconds === null);
    this.lost = seconds;
    if (isOther) this.#tell("connection");
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
