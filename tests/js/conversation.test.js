// The client's model of a conversation, against a server of this file's own that is asked over `fetch`.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Conversation, messageFrom } from "../../static/js/conversation.js";
import { DraftStore } from "../../static/js/lib/draft_store.js";

const FIRST = { role: "user", id: 1, content: "Un ?" };
const ANSWER = { role: "assistant", id: 2, model: "phi3", status: "done", content: "Un.", thinking: "" };
const SAVED = { id: "c1", url: "/c/c1", title: "Un ?" };
const MODELS = [{ name: "phi3", thinking: false, context: 4096 }, { name: "qwen", thinking: true, context: 8192 }];

class Storage {
  getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; }
  setItem(key, value) { this[key] = String(value); }
  removeItem(key) { delete this[key]; }
}

let storage;
let asked; // what the server was asked: "METHOD /path", with its body
let answers; // "METHOD /path" → what it says
let events; // what the conversation told
let opened; // the conversation under test

beforeEach(() => {
  storage = new Storage();
  asked = [];
  answers = {};
  globalThis.window = new EventTarget();
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible", querySelector: () => null });
  globalThis.fetch = async (url, { method, body, signal }) => {
    const what = `${method} ${url}`;
    asked.push({ what, body: body && JSON.parse(body) });
    signal?.throwIfAborted();
    const answer = answers[what];
    if (answer === undefined) throw new Error(`nothing was expected for ${what}`);
    return typeof answer === "function" ? answer(signal) : Response.json(answer);
  };
});

afterEach(() => opened?.messages.forEach(({ run }) => run?.leave()));

function open(page = {}) {
  opened = new Conversation();
  const known = { messages: [], model: "phi3", models: MODELS, ...page };
  opened.open({ ...known, messages: known.messages.map(messageFrom) }, new DraftStore(storage, "claire"));
  events = [];
  const names = ["messages", "asked", "saved", "over", "refused", "branch", "context", "choice", "renamed", "seen", "rated", "failed"];
  for (const name of names) opened.addEventListener(name, ({ detail }) => events.push([name, detail]));
  return opened;
}

const openSaved = (page = {}) => open({ ...SAVED, messages: [FIRST, ANSWER], ...page });

const refusal = (status, code) => () => Response.json({ code, detail: "Non." }, { status });

// A run that the test feeds: its events come when it says so.
function makeRun() {
  let controller;
  let id = 0;
  const body = new ReadableStream({ start: (its) => { controller = its; } });
  const say = (name, data) => {
    id += 1;
    controller.enqueue(new TextEncoder().encode(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
  };
  const answer = (signal) => {
    signal.addEventListener("abort", () => controller.error(signal.reason));
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };
  const accept = (ids, facts = {}) => {
    const [asked, message] = ids;
    say("accepted", {
      conversation: SAVED, stream: `/api/messages/${message}/stream`,
      user_message: asked && { id: asked, siblings: [asked] },
      message: { ...ANSWER, id: message, siblings: [message], status: "queued", content: "", attempt: 1, ...facts },
    });
  };
  const end = (text = "Oui.", status = "done") => { say("text", { text }); say("done", { status, reason: "stop" }); };
  return { answer, say, accept, end };
}

const told = (name) => events.filter(([each]) => each === name).map(([, detail]) => detail);

async function until(condition) {
  for (let left = 200; left > 0 && !condition(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition(), String(condition));
}

const words = ({ messages }) => messages.map(({ content, run }) => (run ? run.state.content : content));

test("a question makes the conversation, is kept until the server has it, and is answered", async () => {
  const run = makeRun();
  answers = { "POST /api/conversations": { id: "c1" }, "POST /api/conversations/c1/messages": run.answer };
  const conversation = open();
  conversation.draft.write("Un ?");
  conversation.send(conversation.draft.take());
  assert.equal(conversation.isBusy, true);
  assert.equal(new DraftStore(storage, "claire").read(""), "Un ?");
  await until(() => asked.length === 2);
  const { body } = asked[1];
  assert.deepEqual({ ...body, client_id: typeof body.client_id }, {
    content: "Un ?", model: "phi3", think: false, client_id: "string", parent_id: null, at_end: true,
  });
  run.accept([1, 2]);
  await until(() => conversation.isSaved);
  assert.deepEqual([conversation.id, conversation.url, conversation.title], ["c1", "/c/c1", "Un ?"]);
  assert.deepEqual(conversation.messages.map(({ id }) => id), [1, 2]);
  assert.equal(new DraftStore(storage, "claire").read(""), "");
  run.end("Un.");
  await until(() => told("over").length);
  assert.deepEqual(words(conversation), ["Un ?", "Un."]);
  assert.deepEqual([conversation.isBusy, conversation.isUnread], [false, true]);
});

test("views hear of other messages before anything else", async () => {
  const run = makeRun();
  answers = { "POST /api/conversations/c1/messages": run.answer };
  const conversation = openSaved();
  conversation.send({ content: "Deux ?" });
  assert.equal(events[0][0], "messages");
  assert.ok(events.findIndex(([name]) => name === "messages") < events.findIndex(([name]) => name === "asked"));
  assert.deepEqual(words(conversation), ["Un ?", "Un.", "Deux ?", ""]);
});

test("instructions that were written before go with the first question", async () => {
  const run = makeRun();
  answers = {
    "POST /api/conversations": { id: "c1" }, "PUT /api/conversations/c1/instructions": {},
    "POST /api/conversations/c1/messages": run.answer,
  };
  const conversation = open();
  assert.equal(await conversation.saveInstructions("En tableau."), false);
  assert.deepEqual(await conversation.readInstructions(), { instructions: "En tableau.", personal: "" });
  conversation.send({ content: "Un ?" });
  await until(() => asked.length === 3);
  assert.deepEqual(asked[1], { what: "PUT /api/conversations/c1/instructions", body: { instructions: "En tableau." } });
  assert.equal(conversation.pendingInstructions, "");
});

test("a refused question leaves everything as it was, and gives the text back", async () => {
  answers = { "POST /api/conversations/c1/messages": refusal(413, "prompt_too_long") };
  const conversation = openSaved();
  conversation.draft.write("Trop ?");
  conversation.send(conversation.draft.take());
  conversation.draft.write("Après");
  await until(() => told("refused").length);
  assert.equal(told("refused")[0].error.code, "prompt_too_long");
  assert.deepEqual(words(conversation), ["Un ?", "Un."]);
  assert.equal(conversation.draft.text, "Trop ?\n\nAprès");
  assert.equal(conversation.isBusy, false);
});

test("a question to an end that has moved brings the server's branch", async () => {
  const more = { role: "user", id: 3, content: "Ailleurs ?" };
  answers = {
    "POST /api/conversations/c1/messages": refusal(409, "conversation_moved"),
    "GET /api/conversations/c1": { ...SAVED, messages: [FIRST, ANSWER, more] },
  };
  const conversation = openSaved();
  conversation.send({ content: "Ici ?" });
  await until(() => told("branch").length);
  assert.deepEqual(words(conversation), ["Un ?", "Un.", "Ailleurs ?"]);
});

test("what is sent while an answer is written waits for its end", async () => {
  const [one, two] = [makeRun(), makeRun()];
  answers = { "POST /api/conversations/c1/messages": one.answer };
  const conversation = openSaved();
  conversation.send({ content: "Deux ?" });
  conversation.send({ content: "Trois ?" });
  conversation.send({ content: "Quatre ?" });
  assert.equal(conversation.queued.text, "Trois ?\n\nQuatre ?");
  one.accept([3, 4]);
  await until(() => conversation.messages.at(-1).id === 4);
  answers["POST /api/conversations/c1/messages"] = two.answer;
  one.end();
  await until(() => asked.length === 2);
  assert.equal(asked[1].body.content, "Trois ?\n\nQuatre ?");
  assert.match(asked[1].body.client_id, /^next-\d+$/);
  assert.equal(asked[1].body.parent_id, 4);
  assert.equal(conversation.queued.text, "");
});

test("what waits comes back as text when the answer is stopped", async () => {
  const run = makeRun();
  answers = { "POST /api/conversations/c1/messages": run.answer, "POST /api/messages/4/stop": {} };
  const conversation = openSaved();
  conversation.send({ content: "Deux ?" });
  conversation.send({ content: "Trois ?" });
  run.accept([3, 4]);
  await until(() => conversation.messages.at(-1).id === 4);
  const stopped = conversation.stop();
  await until(() => asked.length === 2);
  run.end("", "stopped");
  assert.equal(await stopped, true);
  assert.deepEqual([conversation.draft.text, conversation.queued.text], ["Trois ?", ""]);
});

const FILE = { id: "f1", name: "devis.pdf", kind: "pdf", size: 9, pages: 3, tokens: 500, state: "ready" };

test("documents leave with their question, and come back when it is refused", async () => {
  answers = { "POST /api/conversations/c1/messages": refusal(409, "file_not_ready"), "GET /api/files/f1": FILE };
  const conversation = openSaved();
  conversation.draft.documents.giveBack([FILE]);
  conversation.draft.write("Combien ?");
  conversation.send(conversation.draft.take());
  assert.deepEqual(conversation.draft.documents.all, []);
  assert.deepEqual(conversation.messages.at(-2).documents.map(({ name }) => name), ["devis.pdf"]);
  assert.deepEqual(new DraftStore(storage, "claire").beside("c1").documents.map(({ id }) => id), ["f1"]);
  await until(() => told("refused").length);
  assert.deepEqual(asked.find(({ body }) => body).body.files, ["f1"]);
  assert.deepEqual(conversation.draft.documents.facts, [FILE]);
  assert.equal(conversation.draft.text, "Combien ?");
});

test("documents and passages wait with the question behind an answer", async () => {
  const [one, two] = [makeRun(), makeRun()];
  answers = { "POST /api/conversations/c1/messages": one.answer };
  const conversation = openSaved();
  conversation.send({ content: "Deux ?" });
  conversation.send({ content: "Trois ?", documents: [FILE], passages: [{ id: 7, number: 1, text: "Trois." }] });
  assert.deepEqual(conversation.queued.documents, [FILE]);
  one.accept([3, 4]);
  await until(() => conversation.messages.at(-1).id === 4);
  answers["POST /api/conversations/c1/messages"] = two.answer;
  one.end();
  await until(() => asked.length === 2);
  assert.deepEqual([asked[1].body.files, asked[1].body.passages], [["f1"], [7]]);
});

test("a question in other words keeps its documents", async () => {
  const run = makeRun();
  answers = { "POST /api/conversations/c1/messages": run.answer };
  const conversation = openSaved({ messages: [{ ...FIRST, files: [FILE], passages: [] }, ANSWER] });
  conversation.edit(conversation.messages[0], "Autrement ?");
  await until(() => asked.length === 1);
  assert.deepEqual(asked[0].body.files, ["f1"]);
  assert.equal("passages" in asked[0].body, false);
});

test("a long document is read later, also for the question in other words", async () => {
  const models = [{ ...MODELS[0], documentTokens: FILE.tokens - 1 }];
  const conversation = openSaved({ messages: [{ ...FIRST, files: [FILE], passages: [] }, ANSWER], models });
  answers = { "POST /api/conversations/c1/messages": refusal(503, "queue_full"), "GET /api/files/f1": FILE };
  conversation.send({ content: "Tout ?", documents: [FILE], whole: "night" });
  await until(() => told("refused").length);
  conversation.edit(conversation.messages[0], "Autrement ?");
  await until(() => told("refused").length === 2);
  assert.deepEqual(asked.filter(({ body }) => body).map(({ body }) => [body.files, body.whole]), [[["f1"], "night"], [["f1"], "idle"]]);
});

test("the chosen model decides whether documents are read whole", () => {
  answers = { "GET /api/files/f1": FILE };
  const models = [{ name: "phi3", documentTokens: 400 }, { name: "qwen", documentTokens: 600 }];
  const conversation = openSaved({ models });
  assert.equal(conversation.needsPassages, false);
  conversation.draft.documents.giveBack([FILE]);
  assert.equal(conversation.needsPassages, true);
  conversation.choose("qwen");
  assert.equal(conversation.needsPassages, false);
});

test("a conversation is made once, whoever needs it first", async () => {
  const run = makeRun();
  answers = { "POST /api/conversations": { id: "c1" }, "POST /api/conversations/c1/messages": run.answer };
  const conversation = open();
  const prepared = conversation.prepare();
  conversation.send({ content: "Un ?" });
  assert.equal(await prepared, "c1");
  await until(() => asked.length === 2);
  assert.deepEqual(asked.map(({ what }) => what), ["POST /api/conversations", "POST /api/conversations/c1/messages"]);
});

test("a stop that the server refuses is told, and the answer goes on", async () => {
  const run = makeRun();
  answers = { "POST /api/conversations/c1/messages": run.answer, "POST /api/messages/4/stop": refusal(500, "unexpected") };
  const conversation = openSaved();
  conversation.send({ content: "Deux ?" });
  run.accept([3, 4]);
  await until(() => conversation.messages.at(-1).id === 4);
  assert.equal(await conversation.stop(), false);
  assert.equal(told("failed").length, 1);
  assert.equal(conversation.isBusy, true);
});

test("a question in other words takes the old one's place, unless it is refused", async () => {
  const later = [{ role: "user", id: 3, content: "Deux ?" }, { ...ANSWER, id: 4, content: "Deux." }];
  answers = { "POST /api/conversations/c1/messages": refusal(503, "engine_unavailable") };
  const conversation = openSaved({ messages: [FIRST, ANSWER, ...later] });
  const before = conversation.messages;
  conversation.edit(before[2], "Trois ?");
  assert.deepEqual(words(conversation), ["Un ?", "Un.", "Trois ?", ""]);
  await until(() => told("refused").length);
  assert.equal(asked[0].body.parent_id, 2);
  assert.equal(asked[0].body.at_end, false);
  assert.equal(told("refused")[0].instead, before[2]);
  assert.deepEqual(conversation.messages, before);
  assert.equal(conversation.draft.text, "");
});

test("another answer by another model, with what it is a version of", async () => {
  const run = makeRun();
  answers = { "POST /api/messages/2/regenerate": run.answer };
  const conversation = openSaved();
  conversation.regenerate(conversation.messages[1], "qwen");
  assert.deepEqual([conversation.model, told("asked")[0].question], ["qwen", null]);
  run.accept([null, 5], { siblings: [2, 5] });
  await until(() => conversation.messages[1].id === 5);
  assert.deepEqual(asked[0].body, { model: "qwen", think: false });
  assert.deepEqual(conversation.messages[1].siblings, [2, 5]);
});

test("another answer that is refused leaves the old one, and the model, as they were", async () => {
  answers = { "POST /api/messages/2/regenerate": refusal(429, "queue_full") };
  const conversation = openSaved();
  const [, old] = conversation.messages;
  conversation.regenerate(old, "qwen");
  await until(() => told("refused").length);
  assert.equal(conversation.messages[1], old);
  assert.equal(conversation.model, "phi3");
});

test("an answer goes on where it stopped, once", async () => {
  const run = makeRun();
  answers = { "POST /api/messages/2/continue": run.answer };
  const conversation = openSaved({ messages: [FIRST, { ...ANSWER, status: "stopped", content: "Un, " }] });
  const [, answer] = conversation.messages;
  conversation.resume(answer);
  conversation.resume(answer);
  run.accept([null, 2], { content: "Un, " });
  run.end("deux.");
  await until(() => told("over").length);
  assert.equal(asked.length, 1);
  assert.equal(answer.run.state.content, "Un, deux.");
});

test("another version: what both branches have stays the same", async () => {
  const other = { ...ANSWER, id: 5, siblings: [2, 5], content: "Un autre.", left_out: { count: 1, first_read: 5 } };
  answers = { "PUT /api/conversations/c1/head": { ...SAVED, messages: [FIRST, other] } };
  const conversation = openSaved({ messages: [FIRST, { ...ANSWER, siblings: [2, 5] }] });
  const [question] = conversation.messages;
  assert.deepEqual(await conversation.showVersion(conversation.messages[1], 1), { id: 5, place: 1, count: 2 });
  assert.deepEqual(asked[0].body, { message_id: 5 });
  assert.equal(conversation.messages[0], question);
  assert.deepEqual(words(conversation), ["Un ?", "Un autre."]);
  assert.deepEqual(conversation.leftOut, { count: 1, first_read: 5 });
  assert.deepEqual(told("messages"), [{ keepPlace: true }]);
});

test("a turn is removed and restored", async () => {
  answers = {
    "DELETE /api/messages/1": { ...SAVED, messages: [], removed: { message_id: 1 } },
    "POST /api/conversations/c1/turns": { ...SAVED, messages: [FIRST, ANSWER] },
  };
  const conversation = openSaved();
  const removed = await conversation.remove(conversation.messages[0]);
  assert.equal(conversation.isEmpty, true);
  await conversation.restore(removed);
  assert.deepEqual(asked[1].body, { message_id: 1 });
  assert.deepEqual(words(conversation), ["Un ?", "Un."]);
});

test("of another page's messages only those that go on with what is shown", async () => {
  const more = { role: "user", id: 3, content: "Ailleurs ?" };
  const conversation = openSaved();
  answers = { "GET /api/conversations/c1": { ...SAVED, messages: [FIRST, { ...ANSWER, id: 9 }, more] } };
  await conversation.catchUp();
  assert.deepEqual(told("branch"), []);
  answers = { "GET /api/conversations/c1": { ...SAVED, messages: [FIRST, ANSWER, more] } };
  await conversation.catchUp();
  assert.deepEqual(words(conversation), ["Un ?", "Un.", "Ailleurs ?"]);
});

test("a rating is shown at once, and taken back if the server does not have it", async () => {
  answers = { "PUT /api/messages/2/rating": refusal(500, "unexpected") };
  const conversation = openSaved();
  const [, answer] = conversation.messages;
  const rated = conversation.rate(answer, { good: true, reason: "" });
  assert.equal(answer.rating.good, true);
  await assert.rejects(rated);
  assert.equal(answer.rating, undefined);
});

test("only a model that can think is asked to", () => {
  const conversation = openSaved();
  conversation.setThink(true);
  assert.equal(conversation.think, false);
  conversation.choose("qwen");
  conversation.setThink(true);
  assert.deepEqual(conversation.choice, { model: "qwen", think: true });
  assert.equal(conversation.contextSize, 8192);
  conversation.choose("phi3");
  assert.equal(conversation.think, false);
});

test("an answer that is being written is joined, and what waits still waits", async () => {
  const run = makeRun();
  const store = new DraftStore(storage, "claire");
  store.write("c1:next", "Deux ?");
  answers = { "GET /api/messages/2/stream?after=3&attempt=1": run.answer };
  const facts = { status: "running", content: "Un", stream: "/api/messages/2/stream", last_event: 3, attempt: 1 };
  const conversation = openSaved({ messages: [FIRST, { ...ANSWER, ...facts }] });
  await until(() => asked.length === 1);
  assert.equal(conversation.queued.text, "Deux ?");
  assert.equal(conversation.running, conversation.messages[1]);
});

test("what waited for an answer that has ended unseen is text again, before what was typed", () => {
  new DraftStore(storage, "claire").write("c1:next", "Deux ?");
  const conversation = openSaved({ typed: "Trois" });
  assert.deepEqual([conversation.draft.text, conversation.queued.text], ["Deux ?\n\nTrois", ""]);
});

test("what was seen is told once", async () => {
  answers = { "POST /api/conversations/c1/seen": {} };
  const conversation = openSaved({ isUnread: true });
  conversation.markSeen();
  conversation.markSeen();
  assert.deepEqual(told("seen"), [{ id: "c1" }]);
  assert.equal(asked.length, 1);
});
