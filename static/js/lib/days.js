// The name of a day as one says it: today, yesterday, Monday, 12 November, 12 November 2025; in French the first of a month is « 1er ».
const DAY = 86_400_000;
const WEEK = 6; // days for which the name of the weekday is enough

export function dayName(iso, locale, now = new Date()) {
  const date = new Date(iso);
  const ago = Math.round((midnight(now) - midnight(date)) / DAY);
  if (ago === 0 || ago === 1) return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-ago, "day");
  if (ago > 1 && ago <= WEEK) return new Intl.DateTimeFormat(locale, { weekday: "long" }).format(date);
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  const words = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year }).format(date);
  return locale.startsWith("fr") ? words.replace(/^1(?= )/, "1er") : words;
}

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
