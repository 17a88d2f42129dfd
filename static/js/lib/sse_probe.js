// Listens to a second of beats: whoever hears them all at once has something in between that holds streams back.
import { EventParser } from "./sse.js";

const BEATS = 5;
const PAUSE = 200; // ms, between two beats at the server

// Resolves to "even", "held" or "failed".
export async function listenToBeats(url) {
  try {
    const response = await fetch(url);
    return response.ok ? await spread(response.body) : "failed";
  } catch {
    return "failed";
  }
}

// Tells from the times at which the beats arrive whether the stream came as it was sent.
export async function spread(body, now = () => performance.now()) {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const times = [];
  const reader = body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const events = parser.push(decoder.decode(piece.value, { stream: true }));
    times.push(...events.filter(({ name }) => name === "beat").map(now));
  }
  if (times.length < BEATS) return "failed";
  // Half of the time is left to the network's whims.
  return times.at(-1) - times[0] >= ((BEATS - 1) * PAUSE) / 2 ? "even" : "held";
}
