// The weather of the server: how busy it is and which model is ready, asked again now and then while someone looks.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { estimate } from "../lib/format.js";
import { request } from "../lib/http.js";
import { listen } from "../lib/listen.js";
import { t, tn } from "../lib/texts.js";

const EVERY = 60_000;

export default class extends Controller {
  static targets = ["glyph", "label", "people", "model", "usual", "next"];
  static values = { state: Object };

  connect() {
    this.timer = setInterval(() => this.refresh(), EVERY);
    this.unlisten = listen(conversation, { saved: () => this.refresh(), over: () => this.refresh() });
  }

  disconnect() {
    this.unlisten();
    clearInterval(this.timer);
  }

  async refresh() {
    if (document.visibilityState !== "visible") return;
    // Out of reach: the last weather stays, the next round tries again.
    this.stateValue = await request("/api/status").catch(() => this.stateValue);
  }

  stateValueChanged(told) {
    const { state, running, waiting, model, loaded, eta_s: eta, usual_s: usual } = told;
    for (const glyph of this.glyphTargets) glyph.hidden = glyph.dataset.state !== state;
    const people = state === "down" ? "" : waiting ? tn("status_waiting", waiting) : t(running ? "status_working" : "status_nobody");
    this.#write(this.labelTargets, t(`weather_${state}`));
    this.#write(this.peopleTargets, people);
    this.#write(this.modelTargets, model && state !== "down" ? t(loaded ? "status_ready" : "status_asleep", { model }) : "");
    this.#write(this.usualTargets, usual != null && state !== "down" ? t("status_usual", { duration: estimate(usual) }) : "");
    this.#write(this.nextTargets, eta ? t("status_next", { wait: estimate(eta) }) : "");
    this.#tellCareful(told.careful);
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
      target.textContent = text && ("begins" in target.dataset ? capital(text) : `${target.dataset.lead ?? ""}${text}`);
      target.hidden = !text;
    }
  }
}

const capital = (text) => text[0].toLocaleUpperCase() + text.slice(1);
