// Follows one run from the request that starts it to its end, through lost connections, each event once.
import { Problem, jsonOptions } from "./http.js";
import { EventParser } from "./sse.js";
import { StreamLease } from "./stream_lease.js";

const PAUSES = [1, 2, 3, 5]; // seconds; the last one repeats
const SILENCE = 45_000; // three of the server's keep-alives missed: the connection is dead although nobody said so
const PASSING = { POST: [502, 504], GET: [429, 500, 502, 503, 504] }; // a server on its way up or down
const RETRY = "couach:retry";
const RESTS = [1, 2, 5, 10]; // seconds between two questions about long documents that wait for their time; the last one repeats

class ConnectionLost extends Error {}

export const retryNow = () => window.dispatchEvent(new Event(RETRY));

const browser = {
  fetch: (url, options) => fetch(url, options),
  options: jsonOptions,
  silence: SILENCE,
  lease: () => new StreamLease(),
  // Waits, or less when something says that the server may be back.
  sleep: (ms, signal) => new Promise((resolve) => {
    const waking = new AbortController();
    const wake = (early) => { clearTimeout(timer); waking.abort(); resolve(early); };
    const timer = setTimeout(wake, ms, false);
    const listen = (target, name, isReason = () => true) =>
      target.addEventListener(name, () => isReason() && wake(true), { signal: waking.signal });
    listen(window, "online");
    listen(window, RETRY);
    listen(document, "visibilitychange", () => document.visibilityState === "visible");
    if (signal) listen(signal, "abort");
  }),
};

// start: { url, body, repeatable } posts to begin a run; otherwise stream, after and attempt join one that exists.
// Yields { kind: "event", name, data }, { kind: "lost", seconds } each second of a wait, and { kind: "back" }.
export async function* follow({ signal, io = browser, ...source }) {
  const lease = io.lease();
  try {
    yield* followWith(lease, { signal, io, ...source });
  } finally {
    lease.end();
  }
}

async function* followWith(lease, { start = null, stream = null, after = 0, attempt = null, signal, io }) {
  let last = after;
  let failures = 0;
  let waited = false;
  let isResting = false;
  let rests = 0;
  for (;;) {
    const isHeld = !stream || (lease.isFree && !isResting); // a question is asked, whatever other tabs do
    let isLetGo = !isHeld;
    try {
      const address = stream ? place(stream, { last, attempt, isHeld }) : start.url;
      const response = await connect(address, stream ? null : start.body, signal, io);
      if (waited) yield { kind: "back" };
      waited = false;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const letGo = () => { isLetGo = true; close(reader); };
      const hold = () => isHeld && lease.take(letGo);
      if (stream) hold();
      for await (const { name, data, id } of events(reader, io)) {
        if (id <= last && !data.reset) continue;
        failures = 0;
        last = id;
        if (name === "accepted") {
          ({ stream, message: { attempt = null } } = data);
          hold(); // not before: a question whose answer has no address yet could not be followed elsewhere
        }
        yield { kind: "event", name, data };
        if (name === "done") return;
        isResting = name === "part" && !data.reading;
        if (isResting) letGo();
        else rests = 0;
      }
      if (isResting) {
        await io.sleep(RESTS[Math.min(rests, RESTS.length - 1)] * 1000, signal);
        rests += 1;
        if (!signal?.aborted) continue;
      }
      if (isLetGo) {
        await lease.wait(signal);
        if (!signal?.aborted) continue;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof Problem) throw error;
    } finally {
      lease.release();
    }
    if (signal?.aborted) return;
    // Repeating a request that carries no key of its own could make two answers.
    if (!stream && !start.repeatable) throw new Problem({ code: "connection_lost" });
    for (let left = PAUSES[Math.min(failures, PAUSES.length - 1)]; left > 0; left--) {
      waited = true;
      yield { kind: "lost", seconds: left };
      if (await io.sleep(1000, signal)) break;
    }
    failures += 1;
    if (signal?.aborted) return;
  }
}

// An answer that was gone on with counts its events anew: the number alone would not tell which. Not held, the server tells
// what there is, and ends.
function place(stream, { last, attempt, isHeld }) {
  return `${stream}?after=${last}${attempt === null ? "" : `&attempt=${attempt}`}${isHeld ? "" : "&wait=0"}`;
}

async function connect(url, body, signal, io) {
  const method = body ? "POST" : "GET";
  const response = await io.fetch(url, { ...io.options(method, body, "text/event-stream"), signal });
  if (PASSING[method].includes(response.status)) throw new ConnectionLost();
  if (!response.ok) throw await Problem.from(response);
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) throw new Problem();
  return response;
}

async function* events(reader, io) {
  const parser = new EventParser();
  for await (const piece of pieces(reader, io.silence)) {
    for (const { name, data, id } of parser.push(piece)) yield { name, data: JSON.parse(data), id: Number(id) };
  }
}

async function* pieces(reader, silence) {
  try {
    for (;;) {
      const { done, value } = await within(silence, reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    close(reader);
  }
}

// What is read ends there; the connection may already be gone.
const close = (reader) => reader.cancel().catch(() => {});

function within(ms, promise) {
  let timer;
  const silence = new Promise((_, reject) => { timer = setTimeout(() => reject(new ConnectionLost()), ms); });
  return Promise.race([promise, silence]).finally(() => clearTimeout(timer));
}
