import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../static/js/lib/http.js";
import { follow } from "../../static/js/lib/stream.js";

const MESSAGE = { id: 7, attempt: 1, content: "" };
const WORDS = ["Bon", "jour ", "à ", "tous", " !"];
const TEXT = WORDS.join("");
const RUN = [
  ["accepted", { message: MESSAGE, stream: "/api/messages/7/stream" }],
  ["queued", { position: 1 }],
  ...WORDS.map((text) => ["text", { text }]),
  ["done", { status: "done" }],
];
const START = { url: "/ask", body: { content: "?", client_id: "c" }, repeatable: true };

const frame = ([name, data], index) => `id: ${index + 1}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const bytes = (text) => new TextEncoder().encode(text);

function sse(body, { fails = false } = {}) {
  const stream = new ReadableStream({
    start(controller) {
      if (body.length) controller.enqueue(body);
      if (fails) controller.error(new TypeError("network"));
      else controller.close();
    },
  });
  return new Response(stream, { headers: { "Content-Type": "text/event-stream; charset=utf-8" } });
}

const problem = (status, code) => new Response(JSON.stringify({ code, detail: "Non." }), { status });

// A server that knows the whole run; `answer(request, bytes it would send)` decides what gets through.
function server(answer) {
  const requests = [];
  const fetch = async (url, { method }) => {
    const after = Number(new URL(url, "http://x").searchParams.get("after") ?? 0);
    const request = { url, method, after, count: requests.length };
    requests.push(request);
    return answer(request, bytes(RUN.map(frame).slice(after).join("")));
  };
  const options = (method) => ({ method });
  const lease = () => ({ isFree: true, take() {}, release() {}, wait: async () => {}, end() {} });
  return { requests, io: { fetch, options, lease, silence: 500, sleep: async () => false } };
}

async function read(io, source = { start: START }) {
  const seen = { text: "", names: [], lost: [], back: 0 };
  for await (const item of follow({ ...source, io })) {
    if (item.kind === "lost") seen.lost.push(item.seconds);
    else if (item.kind === "back") seen.back += 1;
    else {
      seen.names.push(item.name);
      if (item.name === "accepted" && item.data.reset) seen.text = item.data.message.content;
      if (item.name === "text") seen.text += item.data.text;
    }
  }
  return seen;
}

test("a run without trouble", async () => {
  const { io, requests } = server((_, all) => sse(all));
  const seen = await read(io);
  assert.deepEqual(seen.names, RUN.map(([name]) => name));
  assert.equal(seen.text, TEXT);
  assert.equal(requests.length, 1);
  assert.deepEqual(seen.lost, []);
});

test("cut after any byte, by an error or a plain end: the same text, each event once", async () => {
  const length = bytes(RUN.map(frame).join("")).length;
  for (let cut = 0; cut < length; cut += 3) {
    for (const fails of [false, true]) {
      const { io } = server(({ count }, all) => sse(count ? all : all.slice(0, cut), { fails: fails && !count }));
      const seen = await read(io);
      assert.equal(seen.text, TEXT, `cut at ${cut}`);
      assert.deepEqual(seen.names, RUN.map(([name]) => name), `cut at ${cut}`);
    }
  }
});

test("cut again and again: every connection brings a few bytes more", async () => {
  for (const share of [120, 150, 211]) {
    const { io } = server((_, all) => sse(all.slice(0, share)));
    assert.equal((await read(io)).text, TEXT);
  }
});

test("the request is repeated until accepted, then the stream is asked with number and attempt", async () => {
  const answers = [
    () => { throw new TypeError("refused"); },
    () => problem(502, "bad_gateway"),
    (all) => sse(all.slice(0, 40)),
    (all) => sse(all.slice(0, bytes(RUN.slice(0, 3).map(frame).join("")).length)),
    (all) => sse(all),
  ];
  const { io, requests } = server(({ count }, all) => answers[count](all));
  const seen = await read(io);
  assert.equal(seen.text, TEXT);
  assert.deepEqual(requests.map(({ method }) => method), ["POST", "POST", "POST", "POST", "GET"]);
  assert.equal(requests[4].url, "/api/messages/7/stream?after=3&attempt=1");
  assert.deepEqual(seen.lost, [1, 2, 1, 3, 2, 1, 1], "1 s, 2 s, 3 s, then 1 s again after progress");
  assert.equal(seen.back, 3);
});

test("while long documents wait for their time no connection is held", async () => {
  const waiting = ["part", { done: 1, total: 3, when: "night", reading: false }];
  const run = [RUN[0], waiting, ["part", { ...waiting[1], reading: true }], ...RUN.slice(2)];
  const told = [2, 2, 3, run.length]; // so many events are there, at each request
  const { io, requests } = server(({ count, after }) => sse(bytes(run.slice(0, told[count]).map(frame).slice(after).join(""))));
  const rests = [];
  io.sleep = async (ms) => { rests.push(ms); return false; };
  const seen = await read(io);
  assert.deepEqual(seen.names, run.map(([name]) => name));
  assert.deepEqual(requests.map(({ url }) => url.includes("wait=0")), [false, true, true, false]);
  assert.deepEqual([rests, seen.lost], [[1000, 2000], []]);
});

test("a request without a key of its own is not repeated", async () => {
  const { io, requests } = server(() => sse(bytes(": nothing\n\n")));
  await assert.rejects(read(io, { start: { ...START, repeatable: false } }), { code: "connection_lost" });
  assert.equal(requests.length, 1);
});

test("a server that lost the events sends the whole text again: replaced, not added", async () => {
  const reset = [["accepted", { reset: true, message: { ...MESSAGE, attempt: 2, content: "Bonjour à " }, stream: "/s" }],
    ["text", { text: "tous !" }], ["done", { status: "interrupted" }]];
  const { io, requests } = server(({ count }, all) => sse(count ? bytes(reset.map(frame).join("")) : all.slice(0, -90)));
  const seen = await read(io);
  assert.equal(seen.text, "Bonjour à tous !");
  assert.equal(requests.length, 2);
});

test("silence counts as a lost connection", async () => {
  const { io } = server(({ count }, all) => {
    if (count) return sse(all);
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(all.slice(0, 200)) }),
      { headers: { "Content-Type": "text/event-stream" } });
  });
  const seen = await read({ ...io, silence: 20 });
  assert.equal(seen.text, TEXT);
  assert.deepEqual(seen.lost, [1]);
});

for (const status of [401, 404, 409, 422]) {
  test(`a refusal (${status}) ends it with the server's sentence`, async () => {
    const { io } = server(() => problem(status, "why"));
    await assert.rejects(read(io), (error) => error instanceof Problem && error.status === status && error.detail === "Non.");
    await assert.rejects(read(io, { stream: "/s", after: 4 }), { code: "why" });
  });
}

test("a server on its way up is waited for when following, not when asking", async () => {
  const up = server(({ count }, all) => (count ? sse(all) : problem(503, "starting")));
  assert.equal((await read(up.io, { stream: "/s" })).text, TEXT);
  const full = server(() => problem(503, "queue_full"));
  await assert.rejects(read(full.io), { code: "queue_full" });
});

test("leaving ends it quietly", async () => {
  const leaving = new AbortController();
  const { io } = server((_, all) => sse(all.slice(0, 200)));
  const seen = [];
  for await (const item of follow({ start: START, signal: leaving.signal, io })) {
    seen.push(item.kind);
    if (item.kind === "lost") leaving.abort();
  }
  assert.equal(seen.at(-1), "lost");
});

// A page that was looked away from when `letGo` events had come, and is looked at again after `polls` questions.
function lookingAway({ letGo, polls }) {
  const lease = { isFree: true, held: null, asked: 0 };
  return Object.assign(lease, {
    take: (close) => { lease.held = close; },
    release: () => { lease.held = null; },
    end: () => { lease.ended = true; },
    wait: async () => { lease.isFree = ++lease.asked > polls; },
    heard: (count) => { if (count === letGo && lease.isFree) { lease.isFree = false; lease.held(); } },
  });
}

test("a page that is not looked at holds no stream: it asks now and then, and holds one again when it is", async () => {
  const held = lookingAway({ letGo: 4, polls: 2 });
  const { io, requests } = server(({ url, after }, all) => {
    if (url.includes("wait=0")) return sse(bytes(RUN.map(frame).slice(after, after + 1).join(""))); // what there is
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(all) }),
      { headers: { "Content-Type": "text/event-stream" } });
  });
  const seen = [];
  for await (const { kind, name } of follow({ start: START, io: { ...io, lease: () => held } })) {
    seen.push(kind === "event" ? name : kind);
    held.heard(seen.length);
  }
  assert.deepEqual(seen.slice(0, 4), ["accepted", "queued", "text", "text"]);
  assert.deepEqual(seen, RUN.map(([name]) => name), "each event once, and nothing about a lost connection");
  assert.equal(requests[0].method, "POST");
  assert.ok(held.ended && !held.held);
});

test("a page whose turn to hold one does not come asks until the end", async () => {
  const never = { isFree: false, take: () => assert.fail(), release() {}, end() {}, wait: async () => {} };
  const { io, requests } = server(({ after }) => sse(bytes(RUN.map(frame).slice(after, after + 2).join(""))));
  const seen = await read({ ...io, lease: () => never }, { stream: "/s", attempt: 1 });
  assert.equal(seen.text, TEXT);
  assert.deepEqual(seen.lost, []);
  assert.deepEqual(requests.map(({ after }) => after), [0, 2, 4, 6]);
  assert.ok(requests.every(({ url }) => url.endsWith("&attempt=1&wait=0")));
});
