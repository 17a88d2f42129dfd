// Speaks JSON with the server: headers, the anti-forgery token, and refusals as one kind of error.
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

export function jsonOptions(method, body, accept = "application/json") {
  const headers = { Accept: accept };
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]")?.content ?? "";
  }
  return { method, headers, credentials: "same-origin", body: method === "GET" ? undefined : JSON.stringify(body ?? {}) };
}

// Resolves with the parsed answer (null for 204), rejects with a Problem, or a TypeError when the server is out of reach.
export function request(url, { method = "GET", body, signal } = {}) {
  const asked = () => send(url, { method, body, signal });
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

async function send(url, { method, body, signal }) {
  const response = await fetch(url, { ...jsonOptions(method, body), signal });
  if (!response.ok) throw await Problem.from(response);
  return response.status === 204 ? null : response.json(); // also where nobody asks for it: unread, it would stay open
}
