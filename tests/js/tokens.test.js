import assert from "node:assert/strict";
import { test } from "node:test";
import { estimatedTokens, tokensAfter } from "../../static/js/lib/tokens.js";

test("bytes count, not letters, as on the server", () => {
  assert.equal(estimatedTokens(""), 8);
  assert.equal(estimatedTokens("abc"), 9);
  assert.equal(estimatedTokens("éé"), 9);
  assert.equal(estimatedTokens("🙂🙂🙂"), 12);
});

test("after an answer the conversation has what was read and written, without the thinking", () => {
  assert.equal(tokensAfter({ metrics: { prompt_tokens: 100, output_tokens: 50 } }), 150);
  assert.equal(tokensAfter({ metrics: { prompt_tokens: 100, output_tokens: 50 }, thinking: "x".repeat(60) }), 122);
  assert.equal(tokensAfter({ metrics: { prompt_tokens: 100, output_tokens: 5 }, thinking: "x".repeat(60) }), 100);
  assert.equal(tokensAfter({ metrics: { prompt_tokens: null } }), null);
  assert.equal(tokensAfter({ metrics: null }), null);
});
