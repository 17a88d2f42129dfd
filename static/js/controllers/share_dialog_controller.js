// Shares a conversation with colleagues: makes links to what is shown now, copies them, ends them.
import { Controller } from "@hotwired/stimulus";
import { dayName } from "couach/lib/days";
import { clock } from "couach/lib/format";
import { request } from "couach/lib/http";
import { announce } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { t, tn } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["title", "list", "template", "problem", "make"];

  async open({ detail: { id, title } }) {
    this.url = `/api/conversations/${id}/shares`;
    this.titleTarget.textContent = title;
    this.listTarget.replaceChildren();
    this.problemTarget.hidden = true;
    this.element.showModal();
    this.makeTarget.focus();
    await this.#try(async () => {
      const { shares } = await request(this.url);
      this.listTarget.replaceChildren(...shares.map((share) => this.#link(share)));
    });
  }

  close() {
    this.element.close();
  }

  async make() {
    this.makeTarget.setAttribute("aria-disabled", "true");
    await this.#try(async () => {
      const link = this.#link(await request(this.url, { method: "POST" }));
      this.listTarget.prepend(link);
      announce(t("share_made"));
      link.querySelector("button").focus();
    });
    this.makeTarget.removeAttribute("aria-disabled");
  }

  async end({ currentTarget }) {
    const link = currentTarget.closest("li");
    await this.#try(async () => {
      await request(`/api/shares/${link.dataset.id}`, { method: "DELETE" });
      link.remove();
      announce(t("share_ended"));
      this.makeTarget.focus();
    });
  }

  // What a link's copy button asks for.
  provide({ target, detail }) {
    const element = target.closest("li").querySelector("[data-part=address]");
    Object.assign(detail, { text: element.href, element });
  }

  #link({ id, url, created_at: moment, messages }) {
    const link = this.templateTarget.content.firstElementChild.cloneNode(true);
    const address = new URL(url, location.origin).href;
    link.dataset.id = id;
    Object.assign(link.querySelector("[data-part=address]"), { href: address, textContent: address });
    const when = `${dayName(moment, document.documentElement.lang)}, ${clock(moment)}`;
    link.querySelector("[data-part=moment]").textContent = t("share_moment", { moment: when, size: tn("share_size", messages) });
    return link;
  }

  async #try(work) {
    this.problemTarget.hidden = true;
    try {
      await work();
    } catch (error) {
      this.problemTarget.textContent = sentence(error);
      this.problemTarget.hidden = false;
    }
  }
}
