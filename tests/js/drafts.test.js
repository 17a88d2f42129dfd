import assert from "node:assert/strict";
import { test } from "node:test";
import { Drafts } from "couach/lib/drafts";

// localStorage as browsers make it: keys are the object's own, methods are not.
class Storage {
  getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; }
  setItem(key, value) { this[key] = String(value); }
  removeItem(key) { delete this[key]; }
}

test("one draft for each conversation and person", () => {
  const storage = new Storage();
  const drafts = new Drafts(storage, "claire");
  drafts.write("", "nouvelle");
  drafts.write("c1", "suite");
  assert.deepEqual([drafts.read(""), drafts.read("c1"), drafts.read("c2")], ["nouvelle", "suite", ""]);
  assert.equal(new Drafts(storage, "marc").read("c1"), "");
  drafts.clear("c1");
  drafts.write("", "");
  assert.deepEqual([drafts.read(""), drafts.read("c1")], ["", ""]);
});

test("the oldest drafts give way", () => {
  const storage = new Storage();
  const drafts = new Drafts(storage, "claire");
  for (let index = 0; index < 60; index++) drafts.write(`c${index}`, "x");
  assert.equal(Object.keys(storage).length, 50);
});

test("without storage, or with foreign things in it, writing goes on", () => {
  const none = new Drafts(null, "claire");
  none.write("c1", "x");
  assert.equal(none.read("c1"), "");
  const storage = new Storage();
  storage.setItem("draft:claire:c1", "{not json");
  assert.equal(new Drafts(storage, "claire").read("c1"), "");
});
