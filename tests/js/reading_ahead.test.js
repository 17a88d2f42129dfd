// When the server hears that a question is to be expected: at the opening, at the first letter, and not too often.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ReadingAhead } from "../../static/js/lib/reading_ahead.js";

let told;
let clock;
let ahead;

beforeEach(() => {
  told = [];
  clock = 0;
  ahead = new ReadingAhead((conversation) => told.push(conversation), () => clock);
});

test("an old conversation is told of when it is opened, and an empty page never", () => {
  ahead.opened("", false);
  assert.deepEqual(told, []);
  ahead.opened("a", false);
  assert.deepEqual(told, ["a"]);
});

test("the first letter after coming to the composer counts, the next ones do not", () => {
  ahead.typed("a", false);
  assert.deepEqual(told, [], "nobody came");
  ahead.ready();
  ahead.typed("a", false);
  clock = 90_000;
  ahead.typed("a", false);
  assert.deepEqual(told, ["a"]);
  ahead.ready();
  ahead.typed("a", false);
  assert.deepEqual(told, ["a", "a"]);
});

test("once a minute for one conversation", () => {
  ahead.opened("a", false);
  for (const [at, conversation] of [[59_999, "a"], [59_999, "b"], [60_000, "a"]]) {
    clock = at;
    ahead.ready();
    ahead.typed(conversation, false);
  }
  assert.deepEqual(told, ["a", "b", "a"]);
});

test("not while an answer is written there; the text that goes on afterwards counts", () => {
  ahead.opened("a", true);
  ahead.ready();
  ahead.typed("a", true);
  assert.deepEqual(told, []);
  ahead.typed("a", false);
  assert.deepEqual(told, ["a"]);
});
