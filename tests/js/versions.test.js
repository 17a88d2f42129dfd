import assert from "node:assert/strict";
import { test } from "node:test";
import { parentOf, questionOf } from "couach/lib/branch";
import { placeOf, versionsOf } from "couach/lib/versions";

// A thread with turns, and a line between them, as far as these modules look at it.
function makeList(...kinds) {
  const list = { children: [], querySelectorAll: () => list.children.filter(({ kind }) => kind !== "line") };
  kinds.forEach((kind, index) => {
    const turn = { kind, dataset: { messageId: String(index + 1) }, parentElement: list, matches: () => kind === "question" };
    turn.previousElementSibling = list.children.at(-1) ?? null;
    list.children.push(turn);
  });
  return list.children;
}

test("a message without versions is its only one", () => {
  const article = { dataset: { messageId: "12" } };
  assert.deepEqual(versionsOf(article), ["12"]);
  assert.equal(placeOf(article), 0);
});

test("the place of a message among its versions", () => {
  assert.equal(placeOf({ dataset: { messageId: "15", versions: "2 15 151" } }), 1);
  assert.equal(placeOf({ dataset: { messageId: "151", versions: "2 15 151" } }), 2);
});

test("a question follows the answer before it, also across a line; the first one follows nothing", () => {
  const [first, , , second] = makeList("question", "answer", "line", "question", "answer");
  assert.equal(parentOf(first), null);
  assert.equal(parentOf(second), 2);
});

test("an answer belongs to the question before it", () => {
  const [first, answer, , line, other] = makeList("question", "answer", "question", "line", "answer");
  assert.equal(questionOf(answer), first);
  assert.equal(questionOf(other), line.previousElementSibling);
  assert.equal(questionOf(first), first);
});
