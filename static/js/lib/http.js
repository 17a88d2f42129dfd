// Speaks JSON with the server: headers, the anti-forgery token, and refusals as one kind of error.
const MOST_BYTES = 3000; // of a text in an address: the server refuses one of more than 4094

export class Problem extends Error {
  constructor({ status = 0, code = "unexpected", detail = "" } = {}) {
    super(detail || code);
    this.name = "Problem";
    Object.assign(this, { status, code, detail });
  }

  static async from(response) {
    const body = await response.json().catch(() => ({}));
    return new Problem({ ...body, status: response.status });
  }
}

const csrfToken = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";

// What goes with a form.
export const formHeaders = () => ({ Accept: "application/json", "X-CSRFToken": csrfToken() });

// What goes with a file that is the whole body: it may be larger than any form.
export const fileHeaders = () => ({ ...formHeaders(), "Content-Type": "application/octet-stream" });

export function jsonOptions(method, body, accept = "application/json") {
  const headers = { Accept: accept };
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    headers["X-CSRFToken"] = csrfToken();
  }
  return { method, headers, credentials: "same-origin", body: method === "GET" ? undefined : JSON.stringify(body ?? {}) };
}

// The first words of a text, as many as an address takes.
export function wordsInAddress(text) {
  let bytes = 0;
  const fits = (word) => {
    bytes += new URLSearchParams({ word }).toString().length;
    return bytes <= MOST_BYTES;
  };
  return text.split(/\s+/).filter(fits).join(" ");
}

// Resolves with the parsed answer (null for 204), rejects with a Problem, or a TypeError when the server is out of reach.
export function request(url, { method = "GET", body, signal } = {}) {
  const asked = async () => answerOf(await fetch(url, { ...jsonOptions(method, body), signal }));
  return ["PUT", "PATCH", "DELETE"].includes(method) ? inTurn(url, asked) : asked();
}

// Changes of one thing reach the server in the order in which they were made, or the last word may come first.
const changes = new Map();

function inTurn(url, asked) {
  const change = (changes.get(url) ?? Promise.resolve()).then(asked, asked);
  const forget = () => changes.get(url) === change && changes.delete(url);
  changes.set(url, change);
  change.then(forget, forget);
  return change;
}

// As `request`, with a file or a part of one as the body.
export async function postFile(url, file) {
  const response = await fetch(url, { method: "POST", headers: fileHeaders(), credentials: "same-origin", body: file });
  if (response.redirected) location.reload(); // the session has ended: the page leads to the log-in
  return answerOf(response);
}

async function answerOf(response) {
  if (!response.ok) throw await Problem.from(response);
  return response.status === 204 ? null : response.json(); // also where nobody asks for it: unread, it would stay open
}
