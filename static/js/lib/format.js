// Numbers, durations, rates and times as the page's language writes them.
import { wallClock } from "./wall_clock.js";

const NARROW = "\u202F";
let locale = "fr";

export const setLocale = (name) => { locale = name; };
export const isFrench = () => locale.startsWith("fr");

const unit = (number, name) => `${number}${isFrench() ? NARROW : " "}${name}`;

export function number(value, digits = 0) {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export const percent = (ratio) => (isFrench() ? `${number(ratio * 100)}${NARROW}%` : `${number(ratio * 100)}%`);

// 38 s, 1 min 15 s, 1 h 05 min: exact to the second.
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return unit(whole, "s");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours) return `${unit(hours, "h")} ${unit(String(minutes).padStart(2, "0"), "min")}`;
  return rest ? `${unit(minutes, "min")} ${unit(rest, "s")}` : unit(minutes, "min");
}

// 0,4 s under ten seconds, where a tenth still matters; less than a tenth is nothing worth saying.
export const fineDuration = (ms) => (ms < 100 ? "" : ms < 9950 ? unit(number(ms / 1000, 1), "s") : duration(ms / 1000));

// 12 ms, where even that is worth saying.
export const exactDuration = (ms) => (ms < 100 ? unit(number(ms), "ms") : fineDuration(ms));

// What is left of an estimate that was told some time ago (in ms); 0: it has passed.
export const secondsLeft = (seconds, toldAt, now) => Math.max(0, seconds - (now - toldAt) / 1000);

// An estimate is rounded, up, so that it does not pretend: to the second, then 5 s, 15 s, a minute, then 5 minutes.
export function estimate(seconds) {
  const step = seconds < 10 ? 1 : seconds <= 60 ? 5 : seconds <= 600 ? 15 : seconds <= 3600 ? 60 : 300;
  return duration(Math.max(1, Math.ceil(seconds / step) * step));
}

// 0,42 Wh, or 8,3 mWh where that would be nothing.
export const wattHours = (value) => (value < 0.01 ? unit(number(value * 1000, 1), "mWh") : unit(number(value, value < 10 ? 2 : 0), "Wh"));

// 2,2 Go, in decimal units; the server writes sizes in the same way (`app/formatting.py`).
export function filesize(bytes) {
  for (const [size, french, english] of [[1e9, "Go", "GB"], [1e6, "Mo", "MB"], [1e3, "ko", "kB"]]) {
    if (bytes >= size) return unit(new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(bytes / size), isFrench() ? french : english);
  }
  return unit(bytes, isFrench() ? "o" : "B");
}

export const rate = (perSecond, name) => unit(number(perSecond, perSecond < 100 ? 1 : 0), name);

// 14 h 32 in French, 14:32 in English.
export function clock(iso) {
  const date = wallClock(iso);
  const [hours, minutes] = [date.getUTCHours(), String(date.getUTCMinutes()).padStart(2, "0")];
  return isFrench() ? `${hours}${NARROW}h${NARROW}${minutes}` : `${String(hours).padStart(2, "0")}:${minutes}`;
}

// A title within a sentence: some two lines of a toast.
export function shortened(title, most = 40) {
  const characters = [...title];
  return characters.length > most ? `${characters.slice(0, most - 1).join("").trimEnd()}…` : title;
}

export const countWords = (text) => text.match(/[\p{L}\p{N}][^\s]*/gu)?.length ?? 0;
