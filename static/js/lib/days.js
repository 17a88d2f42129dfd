// The name of a day as one says it: today, yesterday, Monday, 12 November, 12 November 2025; in French the first of a month is « 1er ».
import { wallClock } from "./wall_clock.js";

const DAY = 86_400_000;
const WEEK = 6; // days for which the name of the weekday is enough

export function dayName(iso, locale, now = new Date()) {
  const [date, today] = [wallClock(iso), wallClock(now)];
  const ago = Math.floor(today / DAY) - Math.floor(date / DAY);
  if (ago === 0 || ago === 1) return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-ago, "day");
  if (ago > 1 && ago <= WEEK) return new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }).format(date);
  const year = date.getUTCFullYear() === today.getUTCFullYear() ? undefined : "numeric";
  const words = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year, timeZone: "UTC" }).format(date);
  return locale.startsWith("fr") ? words.replace(/^1(?= )/, "1er") : words;
}
