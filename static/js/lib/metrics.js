// What an answer cost, in one line and in detail.
import { countWords, duration, exactDuration, fineDuration, number, percent, rate, wattHours } from "./format.js";
import { t } from "./texts.js";

// model · 38 s · 10,0 tokens/s · 92 % déjà lus · 0,4 Wh; the line above a stopped answer's foot has said already after how long.
export function metricsLine({ model, status, metrics, content, thinking }) {
  const parts = [model];
  if (metrics?.total_ms && status !== "stopped") parts.push(fineDuration(metrics.total_ms));
  if (metrics) parts.push(pace(metrics, content, thinking), share(metrics), energy(metrics));
  return parts.filter(Boolean);
}

export function metricsDetails({ metrics, content, thinking }) {
  const { load_ms: load, first_token_ms: first, decode_ms: writing, prompt_tokens: prompt } = metrics;
  const rows = [
    ["detail_queue", waiting(metrics)],
    ["detail_load", load && fineDuration(load)],
    ["detail_reading", reading(metrics)],
    ["detail_first", first && exactDuration(first)],
    ["detail_writing", writing && fineDuration(writing)],
    ["detail_total", total(metrics)],
    ["detail_words", content && wordsWritten(content, thinking, writing)],
    ["detail_prompt", prompt && readTokens(metrics)],
    ["detail_output", tokensWritten(metrics)],
    ["detail_thinking", thinking && number(countWords(thinking))],
    ["detail_energy", energy(metrics)],
  ];
  return rows.filter(([, value]) => value).map(([key, value]) => ({ label: t(key), value }));
}

// An engine that counts no tokens leaves the words.
const pace = (metrics, content, thinking) => {
  const tokens = tokensPerSecond(metrics);
  const words = tokens ? null : wordsPerSecond(metrics, content, thinking);
  return tokens ? rate(tokens, t("tokens_per_second")) : words && rate(words, t("words_per_second"));
};

// Less than a percent is nothing worth saying.
const share = ({ prompt_tokens: prompt, cached_tokens: cached }) =>
  (prompt && cached / prompt >= 0.01 ? t("share_cached", { share: percent(cached / prompt) }) : "");

// Where the processor counts it; of a moment it says nothing.
const energy = ({ energy_j: joules }) => (joules >= 1 ? wattHours(joules / 3600) : "");

// What was told to whoever waited, beside how long it was.
function waiting({ queue_ms: queue, expected_queue_ms: expected }) {
  const waited = queue ? fineDuration(queue) : "";
  return waited && expected ? t("expected", { waited, expected: duration(Math.max(1000, expected) / 1000) }) : waited;
}

function reading({ prefill_ms: ms, prompt_tokens: prompt, cached_tokens: cached }) {
  if (ms == null) return "";
  const time = exactDuration(ms);
  return prompt ? t("tokens_in", { tokens: number(prompt - (cached ?? 0)), duration: time }) : time;
}

function total({ total_ms: all, overhead_ms: own }) {
  const whole = all && exactDuration(all);
  return whole && own != null ? t("of_which_own", { total: whole, own: exactDuration(own) }) : whole;
}

const readTokens = (metrics) => [number(metrics.prompt_tokens), share(metrics)].filter(Boolean).join(" · ");

function tokensWritten(metrics) {
  const perSecond = tokensPerSecond(metrics);
  const { output_tokens: output } = metrics;
  return output && [number(output), perSecond && rate(perSecond, t("tokens_per_second"))].filter(Boolean).join(" · ");
}

function wordsWritten(content, thinking, writing) {
  const perSecond = wordsPerSecond({ decode_ms: writing }, content, thinking);
  return [number(countWords(content)), perSecond && rate(perSecond, t("words_per_second"))].filter(Boolean).join(" · ");
}

// Of a few tokens the rate says nothing.
const tokensPerSecond = ({ output_tokens: tokens, decode_ms: ms }) => (ms > 200 && tokens > 3 ? tokens / (ms / 1000) : null);

function wordsPerSecond(metrics, content, thinking) {
  const words = countWords(content ?? "") + countWords(thinking ?? "");
  return metrics?.decode_ms > 200 && words > 3 ? words / (metrics.decode_ms / 1000) : null;
}

// Seconds that thinking took in a finished answer, from its share of the text: the engine tells only the sum.
export function thinkingSeconds({ metrics, content, thinking }) {
  if (!metrics?.decode_ms || !thinking) return null;
  return (metrics.decode_ms / 1000) * (thinking.length / (thinking.length + (content ?? "").length));
}
