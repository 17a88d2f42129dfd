// Beats that come one by one, all at once, in two heaps, or not all of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { spread } from "../../static/js/lib/sse_probe.js";

const frame = (number) => `id: ${number}\nevent: beat\ndata: {"number": ${number}}\n\n`;

// A stream whose pieces are read at these times; each holds so many beats.
function heard(pieces) {
  const times = pieces.flatMap(([time, count]) => Array(count).fill(time));
  let number = 0;
  const body = new ReadableStream({
    start(controller) {
      for (const [, count] of pieces) {
        controller.enqueue(new TextEncoder().encode(Array.from({ length: count }, () => frame((number += 1))).join("")));
      }
      controller.close();
    },
  });
  return spread(body, () => times.shift());
}

test("one by one is even", async () => {
  assert.equal(await heard([[0, 1], [200, 1], [400, 1], [600, 1], [800, 1]]), "even");
});

test("a network that stumbles is even", async () => {
  assert.equal(await heard([[300, 2], [420, 1], [600, 1], [810, 1]]), "even");
});

test("all at once is held", async () => {
  assert.equal(await heard([[900, 5]]), "held");
  assert.equal(await heard([[700, 2], [720, 3]]), "held");
});

test("a stream that ends early says nothing", async () => {
  assert.equal(await heard([[0, 1], [200, 1]]), "failed");
  assert.equal(await heard([]), "failed");
});
