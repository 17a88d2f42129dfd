// The weather of the server: how busy it is, which model is ready and how long one waits, asked again now and then while
// someone looks. A question of this page that waits tells its own wait, here as beside it.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { estimate, secondsLeft } from "../lib/format.js";
import { request } from "../lib/http.js";
import { listen } from "../lib/listen.js";
import { t, tn } from "../lib/texts.js";

const EVERY = 60_000; // ms; while somebody is answered, less
const EVERY_WHEN_BUSY = 15_000;
const DRAWN = 1000; // ms between two countings of a wait

export default class extends Controller {
  static targets = ["glyph", "label", "people", "model", "usual", "next"];
  static values = { state: Object };

  connect() {
    this.timer = setInterval(() => this.#tick(), DRAWN);
    const refresh = () => this.refresh();
    this.unlisten = listen(conversation, { saved: refresh, over: refresh, activity: () => this.#showWait() });
  }

  disconnect() {
    this.unlisten();
    clearInterval(this.timer);
  }

  async refresh() {
    if (document.visibilityState !== "visible") return;
    this.askedAt = Date.now();
    // Out of reach: the last weather stays, the next round tries again.
    this.stateValue = await request("/api/status").catch(() => this.stateValue);
  }

  stateValueChanged(told) {
    const { state, running, waiting, model, loaded } = told;
    this.toldAt = Date.now();
    this.askedAt ??= this.toldAt;
    for (const glyph of this.glyphTargets) glyph.hidden = glyph.dataset.state !== state;
    const people = state === "down" ? "" : waiting ? tn("status_waiting", waiting) : t(running ? "status_working" : "status_nobody");
    this.#write(this.labelTargets, t(`weather_${state}`));
    this.#write(this.peopleTargets, people);
    this.#write(this.modelTargets, model && state !== "down" ? t(loaded ? "status_ready" : "status_asleep", { model }) : "");
    this.#showWait();
    this.#tellCareful(told.careful);
  }

  #tick() {
    this.#showWait();
    if (Date.now() - this.askedAt >= (this.stateValue.running ? EVERY_WHEN_BUSY : EVERY)) this.refresh();
  }

  // What an answer usually takes is said where nobody waits.
  #showWait() {
    const { state, usual_s: usual } = this.stateValue;
    const wait = state === "down" ? "" : this.#wait();
    this.#write(this.nextTargets, wait);
    this.#write(this.usualTargets, usual != null && state !== "down" && !wait ? t("status_usual", { duration: estimate(usual) }) : "");
  }

  #wait() {
    const { running, slots, eta_s: eta } = this.stateValue;
    const now = Date.now();
    const own = conversation.running?.run.state.waitLeft(now) ?? null;
    if (own !== null) return own ? t("status_own", { wait: estimate(own) }) : t("status_late");
    if (eta === null || running < slots) return "";
    const left = secondsLeft(eta, this.toldAt, now);
    return left ? t("status_next", { wait: estimate(left) }) : t("status_late");
  }

  // How much longer the careful model takes here: written where answers are made, and under those that stand already.
  #tellCareful(careful) {
    if (!careful) return;
    const { extra_s: extra } = careful;
    const words = extra === null ? t("redo_careful") : t("redo_careful_in", { time: estimate(extra) });
    for (const place of [document.getElementById("answer-template").content, this.element]) {
      for (const label of place.querySelectorAll("[data-part=redo-words]")) label.textContent = words;
    }
  }

  #write(targets, text) {
    for (const target of targets) {
      const words = text && ("begins" in target.dataset ? capital(text) : `${target.dataset.lead ?? ""}${text}`);
      if (target.textContent !== words) target.textContent = words;
      target.hidden = !text;
    }
  }
}

const capital = (text) => text[0].toLocaleUpperCase() + text.slice(1);
