// Says things to the person: quietly to screen readers, or as a passing toast. The controllers of both listen.
export const announce = (text, { kind = "event" } = {}) =>
  window.dispatchEvent(new CustomEvent("couach:announce", { detail: { text, kind } }));

// action: { label, run } makes a button; gone: called when the toast leaves without it.
export const toast = (text, { action = null, seconds = 6, gone = () => {} } = {}) =>
  window.dispatchEvent(new CustomEvent("couach:toast", { detail: { text, action, seconds, gone } }));
