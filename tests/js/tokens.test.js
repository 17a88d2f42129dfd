import assert from "node:assert/strict";
import { test } from "node:test";
import { estimatedTokens, tokensAfter } from "../../static/js/lib/tokens.js";

test("bytes count, not letters, as on the server", () => {
  assert.equal(estimatedTokens(""), 8);
  assert.equal(estimatedTokens("abc"), 9);
  assert.equal(estimatedTokens("éé"), 9);
});

test("digits and signs count each, with the spaces before them, as on the server", () => {
  assert.equal(estimatedTokens("🙂🙂🙂"), 14);
  assert.equal(estimatedTokens("1 2 3"), 13);
  assert.equal(estimatedTokens("12,5;13,7\n"), 17);
  assert.equal(estimatedTokens("Bonjour, ça va ?"), 15);
});

test("after an answer the conversation has what was read and written, without the thinking", () => {
  assert.equal(tokensAfter({ metrics: { prompt_tokens: 100, output_tokens: 50 } }), 150);
  assert.equal(tokensAfter({ metrics: { prompt_tokens: 100, output_tokens: 50 }, thinking: "x".repeat(60) }), 122);
  assert.equal(tokensAfter({ metrics: { prompt_tokens: 100, output_tokens: 5 }, thinking: "x".repeat(60) }), 100);
  assert.equal(tokensAfter({ metrics: { prompt_tokens: null } }), null);
  assert.equal(tokensAfter({ metrics: null }), null);
});
