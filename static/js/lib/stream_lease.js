// Whether this page may hold the stream of its answer open. Over plain HTTP a browser opens six connections to one site,
// for all its tabs: at most two are held, by pages that are looked at, and by the last ones of them. The other pages let
// theirs go and ask now and then, so that buttons, searches and new pages always find a connection.
import { newClientId } from "./ids.js";

const MOST = 2;
const PAUSE = { visible: 1000, hidden: 10_000 }; // ms between two questions; a hidden page may have something to send

export class StreamLease {
  #id = newClientId();
  #channel = new BroadcastChannel("streams");
  #newer = new Set(); // streams that were taken later, in any tab
  #close = null; // while one is held
  #wake = () => {};
  #ending = new AbortController();

  constructor() {
    const { signal } = this.#ending;
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    window.addEventListener("focus", () => this.#look(), { signal });
    window.addEventListener("pagehide", () => this.release(), { signal });
  }

  get isFree() {
    return document.visibilityState === "visible" && this.#newer.size < MOST;
  }

  // Holds one, the newest of all; `close` is called when it has to be let go.
  take(close) {
    this.#close = close;
    this.#newer.clear();
    this.#tell("taken");
    this.#review();
  }

  release() {
    if (!this.#close) return;
    this.#close = null;
    this.#tell("released");
  }

  // Resolves when the page may hold one, or should ask again.
  async wait(signal) {
    if (this.isFree || signal?.aborted) return;
    const waking = new AbortController();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE[document.visibilityState] ?? PAUSE.hidden);
      waking.signal.addEventListener("abort", () => clearTimeout(timer));
      signal?.addEventListener("abort", resolve, { signal: waking.signal });
      this.#wake = resolve;
    });
    waking.abort();
  }

  end() {
    this.release();
    this.#ending.abort();
    this.#channel.close();
  }

  #hear({ id, what }) {
    if (what === "taken") this.#newer.add(id);
    else this.#newer.delete(id);
    this.#review();
  }

  // The page that somebody comes back to is the newest again.
  #look() {
    if (document.visibilityState === "visible") this.#newer.clear();
    if (this.isFree && this.#close) this.#tell("taken");
    this.#review();
  }

  #review() {
    if (this.isFree) return this.#wake();
    const close = this.#close;
    this.release();
    close?.();
  }

  #tell(what) {
    this.#channel.postMessage({ id: this.#id, what });
  }
}
