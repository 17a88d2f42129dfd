import assert from "node:assert/strict";
import { test } from "node:test";
import { DraftStore } from "../../static/js/lib/draft_store.js";

// localStorage as browsers make it: keys are the object's own, methods are not.
class Storage {
  getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; }
  setItem(key, value) { this[key] = String(value); }
  removeItem(key) { delete this[key]; }
}

test("one draft for each conversation and person", () => {
  const storage = new Storage();
  const drafts = new DraftStore(storage, "claire");
  drafts.write("", "nouvelle");
  drafts.write("c1", "suite");
  assert.deepEqual([drafts.read(""), drafts.read("c1"), drafts.read("c2")], ["nouvelle", "suite", ""]);
  assert.equal(new DraftStore(storage, "marc").read("c1"), "");
  drafts.clear("c1");
  drafts.write("", "");
  assert.deepEqual([drafts.read(""), drafts.read("c1")], ["", ""]);
});

test("the oldest drafts give way", () => {
  const storage = new Storage();
  const drafts = new DraftStore(storage, "claire");
  for (let index = 0; index < 60; index++) drafts.write(`c${index}`, "x");
  assert.equal(Object.keys(storage).length, 50);
});

test("what goes with the text is kept beside it, and without one", () => {
  const storage = new Storage();
  const drafts = new DraftStore(storage, "claire");
  assert.equal(drafts.write("c1", "", { pasted: ["long"], documents: [] }), true);
  const later = new DraftStore(storage, "claire");
  assert.deepEqual([later.read("c1"), later.beside("c1").pasted, later.beside("c2").pasted], ["", ["long"], []]);
  later.write("c1", "", { pasted: [], documents: [{ id: "f1" }] });
  assert.deepEqual(later.beside("c1"), { pasted: [], documents: [{ id: "f1" }], passages: [], libraries: [] });
});

test("what the storage does not take is kept in memory, and an older text does not come back", () => {
  const storage = new Storage();
  const drafts = new DraftStore(storage, "claire");
  assert.equal(drafts.write("c1", "court"), true);
  const take = storage.setItem;
  Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
  assert.equal(drafts.write("c1", "long", { pasted: ["plus long"] }), false);
  assert.deepEqual([drafts.read("c1"), drafts.beside("c1").pasted], ["long", ["plus long"]]);
  assert.equal(new DraftStore(storage, "claire").read("c1"), "");
  Storage.prototype.setItem = take;
  assert.equal(drafts.write("c1", "court encore"), true);
  assert.equal(new DraftStore(storage, "claire").read("c1"), "court encore");
  drafts.clear("c1");
  assert.equal(drafts.read("c1"), "");
});

test("without storage, or with foreign things in it, writing goes on", () => {
  const none = new DraftStore(null, "claire");
  assert.equal(none.write("c1", "x"), false);
  assert.equal(none.read("c1"), "x");
  none.clear("c1");
  assert.equal(none.read("c1"), "");
  const storage = new Storage();
  storage.setItem("draft:claire:c1", "{not json");
  assert.equal(new DraftStore(storage, "claire").read("c1"), "");
});

test("all drafts of one person are cleared, and nobody else's", () => {
  const storage = new Storage();
  const [claire, marc] = ["claire", "marc"].map((owner) => new DraftStore(storage, owner));
  for (const conversation of ["", "c1", "c1:next", "new:instructions"]) claire.write(conversation, "x");
  marc.write("c1", "y");
  claire.clearAll();
  assert.deepEqual(Object.keys(storage), ["draft:marc:c1"]);
});
