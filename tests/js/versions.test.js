import assert from "node:assert/strict";
import { test } from "node:test";
import { versionsOf } from "../../static/js/lib/versions.js";

test("a message without versions is its only one", () => {
  assert.deepEqual(versionsOf({ dataset: { messageId: "12" } }), ["12"]);
  assert.deepEqual(versionsOf({ dataset: { messageId: "15", versions: "2 15 151" } }), ["2", "15", "151"]);
});
