import assert from "node:assert/strict";
import { test } from "node:test";
import { balanced } from "../../static/js/lib/weights.js";

const sum = (weights) => weights.reduce((total, weight) => total + weight, 0);

test("wherever one is moved, all are a hundred together, in steps of five", () => {
  for (let value = 0; value <= 100; value += 5) {
    for (let index = 0; index < 3; index += 1) {
      for (const start of [[50, 30, 20], [100, 0, 0], [0, 0, 100], [35, 35, 30]]) {
        const found = balanced(start, index, value);
        assert.equal(sum(found), 100, `${start} ${index} ${value}`);
        assert.equal(found[index], value);
        assert.ok(found.every((weight) => weight >= 0 && weight % 5 === 0), `${found}`);
      }
    }
  }
});

test("the others keep their proportions", () => {
  assert.deepEqual(balanced([40, 40, 20], 0, 70), [70, 20, 10]);
  assert.deepEqual(balanced([50, 30, 20], 1, 0), [70, 0, 30]);
});

test("where the others had nothing, they share what is left", () => {
  assert.deepEqual(balanced([100, 0, 0], 0, 40), [40, 30, 30]);
});

test("no change, nothing changes", () => {
  assert.deepEqual(balanced([50, 30, 20], 0, 50), [50, 30, 20]);
});
