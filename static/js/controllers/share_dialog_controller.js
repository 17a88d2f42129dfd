// Shares a conversation with colleagues: makes links to what is shown now, copies them, ends them.
import { Controller } from "@hotwired/stimulus";
import { dayName } from "../lib/days.js";
import { whenAskedFor } from "../lib/dialogs.js";
import { clock } from "../lib/format.js";
import { request } from "../lib/http.js";
import { announce } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { t, tn } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["title", "list", "template", "problem", "make"];

  opened = 0; // how many times: what comes for an earlier one is not shown in this one

  connect() {
    this.unlisten = whenAskedFor("share", (asked) => this.#open(asked));
  }

  disconnect() {
    this.unlisten();
  }

  close() {
    this.element.close();
  }

  async make() {
    if (this.making) return;
    const { opened } = this;
    this.#setMaking(true);
    await this.#try(() => request(this.url, { method: "POST" }), (share) => {
      const link = this.#link(share);
      this.listTarget.prepend(link);
      announce(t("share_made"));
      link.querySelector("button").focus();
    });
    if (this.opened === opened) this.#setMaking(false);
  }

  // A link that is not there any more was ended elsewhere.
  async end({ currentTarget }) {
    const link = currentTarget.closest("li");
    const end = () => request(`/api/shares/${link.dataset.id}`, { method: "DELETE" });
    await this.#try(() => end().catch((error) => { if (error.status !== 404) throw error; }), () => {
      link.remove();
      announce(t("share_ended"));
      this.makeTarget.focus();
    });
  }

  async #open({ id, title }) {
    this.opened += 1;
    this.url = `/api/conversations/${id}/shares`;
    this.titleTarget.textContent = title;
    this.listTarget.replaceChildren();
    this.#setMaking(false);
    this.element.showModal();
    this.makeTarget.focus();
    await this.#try(() => request(this.url), ({ shares }) => {
      const isListed = ({ id: each }) => this.listTarget.querySelector(`[data-id="${each}"]`);
      this.listTarget.append(...shares.filter((share) => !isListed(share)).map((share) => this.#link(share)));
    });
  }

  #link({ id, url, created_at: moment, messages }) {
    const link = this.templateTarget.content.firstElementChild.cloneNode(true);
    const address = new URL(url, location.origin).href;
    link.dataset.id = id;
    const shown = link.querySelector("[data-address]");
    Object.assign(shown, { href: address, textContent: address });
    shown.dataset.address = address;
    const when = `${dayName(moment, document.documentElement.lang)}, ${clock(moment)}`;
    link.querySelector("[data-part=moment]").textContent = t("share_moment", { moment: when, size: tn("share_size", messages) });
    return link;
  }

  #setMaking(making) {
    this.making = making;
    this.makeTarget.setAttribute("aria-disabled", String(making));
  }

  async #try(ask, show) {
    const { opened } = this;
    this.problemTarget.hidden = true;
    try {
      const answer = await ask();
      if (this.opened === opened) show(answer);
    } catch (error) {
      if (this.opened !== opened) return;
      this.problemTarget.textContent = sentence(error);
      this.problemTarget.hidden = false;
    }
  }
}
