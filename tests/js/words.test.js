import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { clock, countWords, duration, estimate, fineDuration, percent, setLocale, shortened } from "../../static/js/lib/format.js";
import { metricsDetails, metricsLine, thinkingSeconds } from "../../static/js/lib/metrics.js";
import { RunState } from "../../static/js/lib/run_state.js";
import { route, stageWords } from "../../static/js/lib/stages.js";
import { loadTexts, ordinal, t, tn } from "../../static/js/lib/texts.js";

const TEXTS = {
  stage_queued: "En file", stage_queued_colon: "En file :", stage_loading: "Chargement du modèle {model}", stage_reading: "Lecture",
  stage_thinking: "Réflexion", stage_writing: "Rédaction", people_ahead_one: "{n} personne", people_ahead_other: "{n} personnes",
  own_ahead_one: "après votre réponse", own_ahead_other: "après vos {n} réponses",
  people_and_wait: "{people}, environ {wait}", people_and_longer: "{people}, plus long que prévu", share_and_left: "{share}, encore {left}", words_per_second: "mots/s",
  stage_part: "Lecture du document", stage_part_idle: "Sera lu plus tard", stage_part_night: "Sera lu cette nuit", part_of: "partie {n} sur {count}",
  parts_read_one: "{n} partie lue sur {count}", parts_read_other: "{n} parties lues sur {count}", leg_part: "Document",
  leg_queued: "File", leg_loading: "Modèle", leg_reading: "Lecture", leg_thinking: "Réflexion", leg_writing: "Rédaction",
  tokens_per_second: "tokens/s", share_cached: "{share} déjà lus", tokens_in: "{tokens} en {duration}",
  expected: "{waited} (prévue : {expected})", of_which_own: "{total}, dont nous : {own}", ordinal_one: "er", ordinal_other: "e",
};
const MESSAGE = { id: 1, model: "phi3:mini", think: false, status: "queued", content: "", thinking: "" };
const plain = (text) => text.replaceAll("\u202F", " ");
const stage = (state, now = 0) => { const { title, detail } = stageWords(state, now); return plain(`${title} ${detail}`).trim(); };
const legs = (state) => route(state).map(({ label, when }) => `${label}:${when}`).join(" ");

beforeEach(() => { loadTexts(TEXTS, "fr"); setLocale("fr"); });

test("the energy of an answer, where it is known", () => {
  const told = (joules) => plain(metricsLine({ model: "m", status: "done", metrics: { total_ms: 2000, energy_j: joules } }).join(" · "));
  assert.deepEqual([1440, 18, 0.2, undefined, null].map(told), ["m · 2,0 s · 0,40 Wh", "m · 2,0 s · 5,0 mWh", "m · 2,0 s", "m · 2,0 s", "m · 2,0 s"]);
});

test("a long title is cut between characters", () => {
  assert.deepEqual([shortened("Court", 5), shortened("Plus long", 6), shortened("🐚🐚🐚", 2), shortened("")], ["Court", "Plus…", "🐚…", ""]);
});

test("durations and estimates", () => {
  assert.deepEqual([12, 60, 75, 3900].map((seconds) => plain(duration(seconds))), ["12 s", "1 min", "1 min 15 s", "1 h 05 min"]);
  assert.deepEqual([0.2, 8.2, 41, 58, 62, 100, 1785, 4510].map((seconds) => plain(estimate(seconds))),
    ["1 s", "9 s", "45 s", "1 min", "1 min 15 s", "1 min 45 s", "30 min", "1 h 20 min"]);
  assert.equal(plain(fineDuration(412)), "0,4 s");
  assert.equal(plain(percent(0.42)), "42 %");
  assert.match(plain(clock("2026-01-01T10:05:00Z")), /^\d{1,2} h 05$/);
  setLocale("en");
  assert.equal(duration(75), "1 min 15 s");
  assert.equal(percent(0.42), "42%");
});

test("words are counted as people do", () => assert.equal(countWords("L’eau — douce, 12 m : **oui** !"), 5));

test("texts, plurals, ranks", () => {
  assert.equal(tn("people_ahead", 1), "1 personne");
  assert.equal(tn("people_ahead", 2), "2 personnes");
  assert.equal(t("unknown_key"), "unknown_key");
  assert.deepEqual([1, 2].map(ordinal), ["er", "e"]);
});

test("a long document is read part by part, with others in between", () => {
  const state = new RunState({ ...MESSAGE, part: { done: 0, total: 0, when: "night" } }, 0);
  assert.equal(stage(state), "Sera lu cette nuit");
  state.apply("part", { done: 11, total: 40, when: "night", reading: true }, 0);
  assert.equal(stage(state), "Lecture du document partie 12 sur 40");
  assert.equal(legs(state), "Document:now Lecture:later Rédaction:later");
  assert.equal(route(state)[0].share, 11 / 40);
  state.apply("part", { done: 11, total: 40, when: "idle", reading: false }, 0);
  assert.equal(stage(state), "Sera lu plus tard 11 parties lues sur 40");
  assert.equal(state.status, "queued");
  state.apply("part", { done: 40, total: 40, when: "idle", reading: true }, 0);
  assert.equal(stage(state), "Lecture");
  state.apply("text", { text: "Voici" }, 0);
  assert.equal(legs(state), "Document:done Lecture:done Rédaction:now");
});

test("the stages of a run, in words", () => {
  const state = new RunState(MESSAGE, 0);
  state.apply("accepted", { message: MESSAGE }, 0);
  assert.equal(stage(state), "Lecture");
  assert.equal(legs(state), "Lecture:now Rédaction:later");
  state.apply("queued", { position: 2, ahead: 3, eta_s: 38 }, 0);
  assert.equal(stage(state), "En file : 3 personnes, environ 40 s");
  assert.equal(legs(state), "File:now Lecture:later Rédaction:later");
  assert.equal(stage(state, 12_000), "En file : 3 personnes, environ 30 s");
  assert.equal(stage(state, 37_500), "En file : 3 personnes, environ 1 s");
  assert.equal(stage(state, 38_000), "En file : 3 personnes, plus long que prévu");
  assert.equal(stage(state, 90_000), "En file : 3 personnes, plus long que prévu");
  state.apply("queued", { position: 1, ahead: 1, eta_s: 20 }, 90_000);
  assert.equal(stage(state, 91_000), "En file : 1 personne, environ 20 s");
  state.apply("queued", { position: 2, ahead: 3, own: 1, eta_s: null }, 0);
  assert.equal(stage(state), "En file : 2 personnes");
  state.apply("queued", { position: 2, ahead: 2, own: 2, eta_s: 38 }, 0);
  assert.equal(stage(state), "En file : après vos 2 réponses, environ 40 s");
  state.apply("queued", { position: 1, ahead: 1, own: 1, eta_s: null }, 0);
  assert.equal(stage(state), "En file : après votre réponse");
  state.apply("queued", { position: 0, ahead: 0, own: 0, eta_s: 0 }, 9_000);
  assert.equal(stage(state), "Lecture");
  assert.equal(legs(state), "File:done Lecture:now Rédaction:later");
  state.apply("loading", { model: "phi3:mini", elapsed_s: 3 }, 10_000);
  assert.equal(stage(state, 12_000), "Chargement du modèle phi3:mini 5 s");
  state.apply("reading", { done: 0, total: 1000 }, 12_000);
  state.apply("reading", { done: 420, total: 1000 }, 18_000);
  assert.equal(stage(state), "Lecture 42 %, encore 9 s");
  assert.equal(legs(state), "File:done Modèle:done Lecture:now Rédaction:later");
  state.apply("text", { text: "un deux trois " }, 20_000);
  assert.equal(stage(state, 21_000), "Rédaction 1 s");
  state.apply("text", { text: "quatre" }, 22_000);
  assert.equal(stage(state, 22_000), "Rédaction 2 s · 2,0 mots/s");
  state.apply("done", { status: "done", reason: "stop", error: null, metrics: {} }, 23_000);
  assert.deepEqual([state.active, state.canResume, state.content], [false, false, "un deux trois quatre"]);
});

test("thinking is timed apart from the answer", () => {
  const state = new RunState({ ...MESSAGE, think: true }, 0);
  state.apply("thinking", { text: "hm " }, 1000);
  state.apply("thinking", { text: "oui" }, 9000);
  assert.equal(stage(state, 13_000), "Réflexion 12 s");
  assert.equal(legs(state), "Lecture:done Réflexion:now Rédaction:later");
  state.apply("text", { text: "Voilà" }, 13_000);
  assert.deepEqual([state.thinking, state.thinkingMs, state.content], ["hm oui", 12_000, "Voilà"]);
});

test("thinking that was shown as text counts from where the text began", () => {
  const state = new RunState(MESSAGE, 0);
  state.apply("text", { text: "Voyons." }, 1000);
  state.apply("accepted", { message: { ...MESSAGE, status: "running", thinking: "Voyons." }, reset: true }, 4000);
  assert.deepEqual([state.stage, state.content, state.thinking], ["thinking", "", "Voyons."]);
  state.apply("text", { text: "Oui." }, 5000);
  assert.deepEqual([state.content, state.thinkingMs], ["Oui.", 4000]);
});

test("going on, and a server that starts over", () => {
  const state = new RunState({ ...MESSAGE, status: "stopped", content: "Il était" }, 0);
  assert.ok(state.canResume);
  assert.ok(!new RunState({ ...MESSAGE, status: "interrupted" }, 0).canResume, "nothing to go on from");
  state.await(0);
  assert.deepEqual([state.active, stage(state)], [true, "Lecture"]);
  state.apply("accepted", { message: { ...MESSAGE, content: "Il était" } }, 0);
  state.apply("text", { text: " une fois" }, 1);
  assert.equal(state.content, "Il était une fois");
  state.apply("accepted", { reset: true, message: { ...MESSAGE, status: "running", content: "Il était une" } }, 2);
  assert.deepEqual([state.content, state.stage], ["Il était une", "writing"]);
});

test("what an answer cost", () => {
  const answer = {
    model: "phi3:mini", content: "mot ".repeat(79), thinking: "",
    metrics: { total_ms: 38_000, decode_ms: 10_000, prompt_tokens: 400, cached_tokens: 100, output_tokens: 100, queue_ms: 0 },
  };
  const line = (changes) => plain(metricsLine({ ...answer, ...changes }).join(" · "));
  assert.equal(line({}), "phi3:mini · 38 s · 10,0 tokens/s · 25 % déjà lus");
  assert.equal(line({ status: "stopped" }), "phi3:mini · 10,0 tokens/s · 25 % déjà lus");
  assert.equal(line({ metrics: { total_ms: 38_000, decode_ms: 10_000 } }), "phi3:mini · 38 s · 7,9 mots/s", "no tokens are told");
  assert.equal(line({ metrics: { total_ms: 40, prompt_tokens: 400, cached_tokens: 0 }, content: "" }), "phi3:mini");
  assert.deepEqual(metricsLine({ model: "m", content: "", metrics: null }), ["m"]);
  assert.equal(thinkingSeconds({ ...answer, content: "abc", thinking: "abc" }), 5);
});

test("what an answer cost, in detail", () => {
  const known = {
    total_ms: 38_000, queue_ms: 12_000, expected_queue_ms: 10_000, load_ms: 3_000, prefill_ms: 2_400, prompt_tokens: 400,
    cached_tokens: 100, first_token_ms: 18_000, decode_ms: 10_000, output_tokens: 100, overhead_ms: 12.4,
  };
  const details = (metrics) => Object.fromEntries(
    metricsDetails({ metrics, content: "mot ".repeat(79), thinking: "" }).map(({ label, value }) => [label, plain(value)]));
  assert.deepEqual(details(known), {
    detail_queue: "12 s (prévue : 10 s)", detail_load: "3,0 s", detail_reading: "300 en 2,4 s", detail_first: "18 s",
    detail_writing: "10 s", detail_total: "38 s, dont nous : 12 ms", detail_words: "79 · 7,9 mots/s",
    detail_prompt: "400 · 25 % déjà lus", detail_output: "100 · 10,0 tokens/s",
  });
  assert.equal(details({ ...known, expected_queue_ms: null }).detail_queue, "12 s");
  assert.equal(details({ ...known, prefill_ms: 8.2, cached_tokens: 395 }).detail_reading, "5 en 8 ms");
  const untold = details({ total_ms: 900, queue_ms: 3, prefill_ms: null, overhead_ms: null, expected_queue_ms: 0 });
  assert.deepEqual(untold, { detail_total: "0,9 s", detail_words: "79" });
});
