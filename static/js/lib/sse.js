// Parses a server-sent event stream whose pieces may be cut anywhere.
const LINE_END = /\r\n|\n|\r/g;

export class EventParser {
  #rest = "";
  #name = "";
  #data = [];
  #id = "";

  // Takes a piece of text and returns the events that it completes: [{ name, data, id }].
  push(piece) {
    const text = this.#rest + piece;
    const events = [];
    let start = 0;
    for (const end of text.matchAll(LINE_END)) {
      const next = end.index + end[0].length;
      if (end[0] === "\r" && next === text.length) break; // may be the first half of CRLF
      this.#readLine(text.slice(start, end.index), events);
      start = next;
    }
    this.#rest = text.slice(start);
    return events;
  }

  #readLine(line, events) {
    if (line === "") return this.#dispatch(events);
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
  }

  #dispatch(events) {
    if (this.#data.length) {
      events.push({ name: this.#name || "message", data: this.#data.join("\n"), id: this.#id });
    }
    this.#name = "";
    this.#data = [];
  }
}
