// Says things to the person: quietly to screen readers, or as a passing toast.
import { openModal } from "./dialogs.js";

const STAGE_PAUSE = 10_000; // ms between two stages: they would not let one listen
const SHOWN = 5000; // ms: then the region is emptied, so that nobody comes upon it while reading

let lastStage = -STAGE_PAUSE;
let later = 0;
let emptying = 0;
const regions = new Map(); // dialog → the live region in it

const mainRegion = () => document.getElementById("announcer");

// A region is heard only if it was there before its words: each dialog gets its own at the beginning.
export function addRegions() {
  for (const dialog of document.querySelectorAll("dialog")) {
    const region = document.createElement("div");
    region.className = "vh";
    region.ariaLive = "polite";
    dialog.append(region);
    regions.set(dialog, region);
  }
}

// kind "stage": of something that goes on; a newer one, or an end, replaces the one that was waiting.
export function announce(text, { kind = "event" } = {}) {
  clearTimeout(later);
  const wait = kind === "stage" ? lastStage + STAGE_PAUSE - performance.now() : 0;
  if (wait > 0) later = setTimeout(write, wait, text, kind);
  else write(text, kind);
}

function write(text, kind) {
  if (kind === "stage") lastStage = performance.now();
  const region = regions.get(openModal()) ?? mainRegion();
  region.textContent = text.trim();
  clearTimeout(emptying);
  emptying = setTimeout(() => [mainRegion(), ...regions.values()].forEach((each) => { each.textContent = ""; }), SHOWN);
}

// One above the other; each waits while the pointer or the focus is on it. action: { label, run } makes a button; gone:
// called when the toast leaves without it. Pages that have no place for toasts show none.
export function toast(text, { action = null, seconds = 6, gone = () => {} } = {}) {
  const template = document.getElementById("toast-template");
  if (!template) return;
  const shown = template.content.firstElementChild.cloneNode(true);
  const place = toastPlace();
  shown.querySelector("[data-part=text]").textContent = text;
  if (!action) removeSame(place, text); // what is said already is not said beside itself
  countDown(shown, seconds * 1000, () => { shown.remove(); gone(); });
  offer(shown, action);
  place.append(shown);
  announce(text);
}

function removeSame(place, text) {
  const isSame = (shown) => shown.querySelector("[data-part=text]").textContent === text;
  [...place.querySelectorAll(".toast")].find(isSame)?.remove();
}

// Inside the dialog that is open, until it closes.
function toastPlace() {
  const toasts = document.getElementById("toasts");
  const dialog = openModal();
  if (!dialog) return toasts;
  const here = dialog.querySelector(":scope > .toasts");
  if (here) return here;
  const place = document.createElement("div");
  place.className = "toasts";
  dialog.append(place);
  dialog.addEventListener("close", () => { toasts.append(...place.children); place.remove(); }, { once: true });
  return place;
}

function offer(shown, action) {
  const button = shown.querySelector("button");
  button.hidden = !action;
  if (!action) return;
  button.textContent = action.label;
  button.addEventListener("click", () => { shown.remove(); action.run(); }, { once: true });
}

function countDown(shown, left, leave) {
  let timer = setTimeout(leave, left);
  let since = performance.now();
  const hold = () => {
    clearTimeout(timer);
    left -= performance.now() - since;
  };
  const go = () => {
    clearTimeout(timer);
    since = performance.now();
    if (shown.isConnected) timer = setTimeout(leave, left);
  };
  shown.addEventListener("pointerenter", hold);
  shown.addEventListener("focusin", hold);
  shown.addEventListener("pointerleave", go);
  shown.addEventListener("focusout", go);
}
