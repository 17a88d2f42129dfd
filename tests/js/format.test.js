// Sizes as the page's language writes them, the same as the server's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesize, setLocale } from "../../static/js/lib/format.js";

test("sizes have decimal units and one decimal at most", () => {
  setLocale("fr");
  assert.deepEqual([0, 999, 1500, 98_400_000, 2_176_178_913, 4e9].map(filesize), [
    "0\u202Fo", "999\u202Fo", "1,5\u202Fko", "98,4\u202FMo", "2,2\u202FGo", "4\u202FGo",
  ]);
  setLocale("en");
  assert.deepEqual([12, 2_176_178_913].map(filesize), ["12 B", "2.2 GB"]);
  setLocale("fr");
});
