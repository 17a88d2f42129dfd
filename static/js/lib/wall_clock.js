// The date and time that the company's clocks show: pages are made in that zone too, so that two of them never differ.
const zone = globalThis.document?.documentElement.dataset.timeZone || undefined; // without one, the browser's own
const FIELDS = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", hourCycle: "h23" };
let format;

// A Date whose UTC fields are what the clocks show.
export function wallClock(moment) {
  format ??= new Intl.DateTimeFormat("en-US", { ...FIELDS, timeZone: known(zone) });
  const { year, month, day, hour, minute } = Object.fromEntries(format.formatToParts(new Date(moment)).map(({ type, value }) => [type, Number(value)]));
  return new Date(Date.UTC(year, month - 1, day, hour, minute));
}

function known(name) {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
  } catch { // a browser may not know a new zone
    return undefined;
  }
}
