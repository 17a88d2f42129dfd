// Dates and times in the company's zone, whatever the browser's is.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: { dataset: { timeZone: "Europe/Paris" } } };
const { wallClock } = await import("../../static/js/lib/wall_clock.js");
const { clock } = await import("../../static/js/lib/format.js");
const { dayName } = await import("../../static/js/lib/days.js");

test("the clock shows the company's time, in winter and in summer", () => {
  assert.equal(wallClock("2026-11-30T22:31:00Z").toISOString(), "2026-11-30T23:31:00.000Z");
  assert.equal(wallClock("2026-06-30T22:31:00Z").toISOString(), "2026-07-01T00:31:00.000Z");
  assert.equal(clock("2026-11-30T23:05:00Z"), "0\u202Fh\u202F05");
});

test("a day ends at the company's midnight", () => {
  const now = new Date("2026-11-30T23:30:00Z"); // half past midnight in Paris
  assert.equal(dayName("2026-11-30T23:10:00Z", "fr", now), "aujourd’hui");
  assert.equal(dayName("2026-11-30T22:50:00Z", "fr", now), "hier");
});
