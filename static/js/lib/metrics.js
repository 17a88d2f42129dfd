// What an answer cost, in one line and in detail.
import { countWords, fineDuration, number, percent, rate } from "couach/lib/format";
import { t } from "couach/lib/texts";

// model · 38 s · 7,9 mots/s; the line above a stopped answer's foot has said already after how long.
export function metricsLine({ model, status, metrics, content, thinking }) {
  const parts = [model];
  if (metrics?.total_ms && status !== "stopped") parts.push(fineDuration(metrics.total_ms));
  const pace = wordsPerSecond(metrics, content, thinking);
  if (pace) parts.push(rate(pace, t("words_per_second")));
  return parts.filter(Boolean);
}

export function metricsDetails({ metrics, content, thinking }) {
  const { queue_ms: queue, load_ms: load, prefill_ms: reading, first_token_ms: first, decode_ms: writing } = metrics;
  const { prompt_tokens: prompt, cached_tokens: cached, output_tokens: output, total_ms: total } = metrics;
  const rows = [
    ["detail_queue", queue && fineDuration(queue)],
    ["detail_load", load && fineDuration(load)],
    ["detail_reading", reading && fineDuration(reading)],
    ["detail_first", first && fineDuration(first)],
    ["detail_writing", writing && fineDuration(writing)],
    ["detail_total", total && fineDuration(total)],
    ["detail_words", content && number(countWords(content))],
    ["detail_prompt", prompt && readTokens(prompt, cached)],
    ["detail_output", output && tokensWritten(output, writing)],
    ["detail_thinking", thinking && number(countWords(thinking))],
  ];
  return rows.filter(([, value]) => value).map(([key, value]) => ({ label: t(key), value }));
}

const readTokens = (prompt, cached) =>
  (cached ? t("tokens_cached", { tokens: number(prompt), share: percent(cached / prompt) }) : number(prompt));

const tokensWritten = (output, ms) => (ms ? `${number(output)} · ${rate(output / (ms / 1000), "tokens/s")}` : number(output));

function wordsPerSecond(metrics, content, thinking) {
  const words = countWords(content ?? "") + countWords(thinking ?? "");
  return metrics?.decode_ms > 200 && words > 3 ? words / (metrics.decode_ms / 1000) : null;
}

// Seconds that thinking took in a finished answer, from its share of the text: the engine tells only the sum.
export function thinkingSeconds({ metrics, content, thinking }) {
  if (!metrics?.decode_ms || !thinking) return null;
  return (metrics.decode_ms / 1000) * (thinking.length / (thinking.length + (content ?? "").length));
}
