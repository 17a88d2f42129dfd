// What is being written, and what waits: kept until the server has it, given back when it is refused.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Draft } from "../../static/js/lib/draft.js";
import { DraftStore } from "../../static/js/lib/draft_store.js";
import { QueuedMessage } from "../../static/js/lib/queued_message.js";

const LONG = "Un texte long";

class Storage {
  getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; }
  setItem(key, value) { this[key] = String(value); }
  removeItem(key) { delete this[key]; }
}

let store;

beforeEach(() => { store = new DraftStore(new Storage(), "claire"); });

test("what was kept is taken up, unless something was typed before", () => {
  store.write("c1", "gardé", { pasted: [LONG] });
  const kept = new Draft(store, "c1");
  assert.deepEqual([kept.text, kept.pasted], ["gardé", [LONG]]);
  const typed = new Draft(store, "c1", "tapé");
  assert.deepEqual([typed.text, store.read("c1")], ["tapé", "tapé"]);
});

test("long texts leave with the text, in fences, and come back beside it", () => {
  const draft = new Draft(store, "");
  draft.write("Résume :");
  draft.attach(LONG);
  draft.attach("autre");
  draft.detach(1);
  const asked = draft.take();
  assert.equal(asked.content, `Résume :\n\n\`\`\`\n${LONG}\n\`\`\``);
  assert.equal(draft.isBlank, true);
  draft.sent(asked);
  draft.write("suite");
  draft.refused(asked);
  assert.deepEqual([draft.text, draft.pasted], ["Résume :\n\nsuite", [LONG]]);
});

test("what is on its way is kept, and forgotten when the server has it", () => {
  const draft = new Draft(store, "");
  draft.write("Un ?");
  draft.sent(draft.take());
  draft.write("Deux");
  assert.deepEqual([draft.isOnItsWay, store.read("")], [true, "Un ?\n\nDeux"]);
  draft.accepted("c1");
  assert.deepEqual([draft.isOnItsWay, store.read(""), store.read("c1")], [false, "", "Deux"]);
});

test("documents are shared by the tabs of a conversation, the text is not", async () => {
  const facts = { id: "f1", name: "devis.pdf", kind: "pdf", size: 1, pages: 1, tokens: 9, state: "ready" };
  globalThis.fetch = async () => Response.json(facts);
  globalThis.document = { querySelector: () => null };
  const [one, other] = [new Draft(store, "c1"), new Draft(store, "c1")];
  one.write("Combien ?");
  one.documents.giveBack([facts]);
  other.rereadDocuments();
  assert.deepEqual([other.text, other.documents.facts], ["", [facts]]);
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  const later = new Draft(store, "c1");
  assert.deepEqual([later.text, later.documents.facts], ["Combien ?", [facts]]);
});

test("a library is asked once, by all questions, until it is left; its documents do not come back as one's own", () => {
  const draft = new Draft(store, "");
  const told = [];
  for (const name of ["libraries", "asked"]) draft.addEventListener(name, () => told.push(name));
  draft.ask({ id: 1, name: "Sécurité", pages: 3 });
  draft.ask({ id: 1, name: "Sécurité" });
  draft.write("Quels gants ?");
  const asked = { ...draft.take(), documents: [{ id: "f1", name: "fiche.pdf", isShared: true }] };
  draft.sent(asked);
  assert.deepEqual([draft.text, draft.libraries], ["", [{ id: 1, name: "Sécurité" }]]);
  draft.refused(asked);
  assert.deepEqual([draft.text, draft.documents.all], ["Quels gants ?", []]);
  draft.sent(draft.take());
  draft.accepted("c1");
  assert.deepEqual(new Draft(store, "c1").libraries, [{ id: 1, name: "Sécurité" }]);
  draft.leaveLibrary({ id: 1 });
  assert.deepEqual([new Draft(store, "c1").libraries, told], [[], ["libraries", "asked", "asked", "libraries"]]);
});

test("libraries that another tab of the conversation asks or leaves are taken up", () => {
  const [one, other] = [new Draft(store, "c1"), new Draft(store, "c1")];
  one.ask({ id: 1, name: "Sécurité" });
  other.rereadDocuments();
  assert.deepEqual(other.libraries, one.libraries);
  one.leaveLibrary({ id: 1 });
  other.rereadDocuments();
  assert.deepEqual(other.libraries, []);
});

test("a prompt is told apart from what is written", () => {
  const draft = new Draft(store, "");
  const told = [];
  for (const name of ["change", "fill"]) draft.addEventListener(name, () => told.push(name));
  draft.write("a");
  draft.fill("Écris à {{qui}}");
  assert.deepEqual(told, ["change", "change", "fill"]);
});

test("without storage it says that nothing is kept", () => {
  const draft = new Draft(new DraftStore(null, "claire"), "");
  draft.write("a");
  assert.equal(draft.isKept, false);
});

test("of two tabs one takes what waits, and both know it by the same id", () => {
  const [one, other] = [new QueuedMessage(store, "c1"), new QueuedMessage(store, "c1")];
  one.add({ content: "Un ?" });
  one.add({ content: "Deux ?" });
  other.reread();
  assert.equal(other.text, "Un ?\n\nDeux ?");
  const { content, id } = one.take();
  assert.equal(content, "Un ?\n\nDeux ?");
  assert.match(id, /^next-\d+$/);
  assert.equal(other.take().content, "");
});

test("questions that wait go together, with each document and passage once, as they will be cited", () => {
  const queued = new QueuedMessage(store, "c1");
  const passage = (id, number) => ({ id, number, tokens: 9 });
  queued.add({ content: "Un ?", documents: [{ id: "f1" }], passages: [passage(7, 1), passage(8, 2)] });
  queued.add({ content: "Deux ?", documents: [{ id: "f1" }, { id: "f2" }], passages: [passage(8, 1), passage(9, 2)] });
  const { documents, passages } = queued.take();
  assert.deepEqual(documents.map(({ id }) => id), ["f1", "f2"]);
  assert.deepEqual(passages.map(({ id, number }) => [id, number]), [[7, 1], [8, 2], [9, 3]]);
});

test("a document that is removed is erased once nothing else is to be asked with it", async () => {
  const facts = { id: "f1", name: "devis.pdf", kind: "pdf", size: 1, pages: 1, tokens: 9, state: "ready" };
  const asked = [];
  const settled = () => new Promise((resolve) => { setTimeout(resolve, 5); });
  globalThis.fetch = async (url, { method = "GET" } = {}) => { asked.push(`${method} ${url}`); return Response.json(facts); };
  globalThis.document = { querySelector: () => null };
  const [draft, other, queued] = [new Draft(store, "c1"), new Draft(store, "c2"), new QueuedMessage(store, "c1")];
  for (const each of [draft, other]) each.documents.giveBack([facts]);
  queued.add({ content: "Combien ?", documents: [facts] });
  const remove = (from) => from.removeDocument(from.documents.all[0]);
  remove(draft);
  remove(other);
  assert.deepEqual([draft.documents.all, other.documents.all], [[], []]);
  await settled();
  assert.ok(!asked.includes("DELETE /api/files/f1"));
  draft.giveBack(queued.take());
  remove(draft);
  await settled();
  assert.ok(asked.includes("DELETE /api/files/f1"));
});

test("what waits follows the conversation to its id; a page without one shares nothing", () => {
  const queued = new QueuedMessage(store, "");
  queued.add({ content: "Un ?" });
  queued.moveTo("c1");
  assert.deepEqual([store.read("new:next"), store.read("c1:next")], ["", "Un ?"]);
  const elsewhere = new QueuedMessage(store, "");
  store.write("new:next", "d’un autre onglet");
  elsewhere.reread();
  assert.equal(elsewhere.text, "");
});
