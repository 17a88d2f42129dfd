// Listens to a second of beats: whoever hears them all at once has something in between that holds streams back.
import { Controller } from "@hotwired/stimulus";
import { spread } from "../lib/sse_probe.js";

export default class extends Controller {
  static targets = ["waiting", "even", "held", "failed"];
  static values = { url: String };

  async connect() {
    this.abort = new AbortController();
    try {
      const response = await fetch(this.urlValue, { signal: this.abort.signal });
      this.#show(response.ok ? await spread(response.body) : "failed");
    } catch {
      if (!this.abort.signal.aborted) this.#show("failed");
    }
  }

  disconnect() {
    this.abort.abort();
  }

  #show(name) {
    for (const target of this.constructor.targets) this[`${target}Target`].hidden = target !== name;
  }
}
