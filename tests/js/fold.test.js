// Where a long question is folded.
import assert from "node:assert/strict";
import { test } from "node:test";
import { endOfBeginning } from "../../static/js/lib/fold.js";

const lines = (count) => Array.from({ length: count }, (_, line) => `ligne ${line}`).join("\n");

test("a question of usual length is shown whole", () => {
  for (const text of ["", "Bonjour", "mot ".repeat(300), lines(20)]) assert.equal(endOfBeginning(text), -1);
});

test("a long one is folded behind a line or a word", () => {
  const many = lines(200);
  assert.equal(many.slice(0, endOfBeginning(many)), lines(16));
  const words = "mot ".repeat(1000);
  const end = endOfBeginning(words);
  assert.ok(end > 900 && end <= 1000);
  assert.equal(words[end], " ");
});

test("what has no words is cut between letters", () => {
  assert.equal(endOfBeginning("x".repeat(5000)), 1000);
  const faces = `x${"🙂".repeat(2000)}`;
  assert.ok(!/^[\uDC00-\uDFFF]/.test(faces.slice(endOfBeginning(faces))));
});
