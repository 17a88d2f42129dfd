// About how many tokens a message has: the server's own estimate; a test compares the figures.
export const BYTES_PER_TOKEN = 3;
export const TOKENS_PER_MESSAGE = 8;

const encoder = new TextEncoder();
// Digits and signs, and the white space before them, are mostly a token each.
const DENSE = /[^\p{L}\p{Nl}\p{No}\s]|\s(?=[^\p{L}\p{Nl}\p{No}\s])/gu;

export function estimatedTokens(text) {
  const dense = text.match(DENSE)?.length ?? 0;
  return Math.floor((encoder.encode(text).length + (BYTES_PER_TOKEN - 1) * dense) / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE;
}

// What a conversation has after an answer: what the engine counted, without the thinking, which is not sent again.
export function tokensAfter({ metrics, thinking = "" }) {
  const { prompt_tokens: read, output_tokens: written } = metrics ?? {};
  if (!read) return null;
  return read + Math.max(0, (written ?? 0) - (thinking ? estimatedTokens(thinking) : 0));
}
