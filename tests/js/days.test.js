// The names of days, in both languages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dayName } from "../../static/js/lib/days.js";

const NOW = new Date(2026, 10, 23, 9, 30); // a Monday
const at = (...parts) => new Date(...parts).toISOString();

test("near days have names, then weekdays, then dates", () => {
  const cases = [
    [[2026, 10, 23, 0, 1], "aujourd’hui", "today"],
    [[2026, 10, 22, 23, 59], "hier", "yesterday"],
    [[2026, 10, 21, 12], "samedi", "Saturday"],
    [[2026, 10, 17, 12], "mardi", "Tuesday"],
    [[2026, 10, 16, 12], "16 novembre", "November 16"],
    [[2025, 10, 23, 12], "23 novembre 2025", "November 23, 2025"],
    [[2026, 10, 24, 12], "24 novembre", "November 24"],
    [[2026, 9, 1, 12], "1er octobre", "October 1"],
    [[2026, 9, 11, 12], "11 octobre", "October 11"],
    [[2026, 9, 21, 12], "21 octobre", "October 21"],
  ];
  for (const [parts, french, english] of cases) {
    assert.equal(dayName(at(...parts), "fr", NOW).replace("'", "’"), french);
    assert.equal(dayName(at(...parts), "en", NOW), english);
  }
});
