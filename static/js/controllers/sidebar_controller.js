// The list of conversations: new ones at the top, and which are being answered.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { t } from "couach/lib/texts";
import { offerKept } from "couach/lib/undo";

const EVERY = 20_000; // while a conversation other than the open one is being answered

export default class extends Controller {
  static targets = ["list", "group", "template", "groupTemplate", "empty"];
  static outlets = ["conversation-item"];

  connect() {
    offerKept();
    this.timer = setInterval(() => this.#refresh(), EVERY);
  }

  disconnect() {
    clearInterval(this.timer);
  }

  // A conversation was written in: it comes first among today's.
  put({ detail: { id, title, url, pinned } }) {
    let item = this.#find(id);
    if (pinned) return;
    item ??= this.#make({ id, title, url });
    const list = this.#today();
    if (list.firstElementChild !== item) list.prepend(item);
    for (const link of this.element.closest(".sidebar").querySelectorAll(".side-link[aria-current]")) link.removeAttribute("aria-current");
    item.querySelector(".side-link").setAttribute("aria-current", "page");
    this.#dropEmptyGroups();
  }

  // The open conversation's run, told by its answer.
  follow({ detail: { stage, position } }) {
    const item = this.conversationItemOutlets.find((outlet) => outlet.isOpen);
    if (stage === "over") item?.show({ state: null });
    else item?.show(stage === "queued" ? { state: "queued", position } : { state: "running" });
  }

  #make({ id, title, url }) {
    const item = this.templateTarget.content.firstElementChild.cloneNode(true);
    item.id = `conversation-${id}`;
    item.setAttribute("data-conversation-item-id-value", id);
    item.setAttribute("data-rename-id-value", id);
    item.querySelector(".side-link").href = url;
    item.querySelector(".label").textContent = title;
    return item;
  }

  #today() {
    const known = this.groupTargets.find((group) => group.dataset.label === t("today"));
    if (known) return known.querySelector("ul");
    const group = this.groupTemplateTarget.content.firstElementChild.cloneNode(true);
    group.dataset.label = t("today");
    group.querySelector("h2").textContent = t("today");
    const after = this.groupTargets.filter((other) => other.dataset.pinned === "true").at(-1);
    if (after) after.after(group);
    else this.listTarget.prepend(group);
    return group.querySelector("ul");
  }

  #dropEmptyGroups() {
    for (const group of this.groupTargets) if (!group.querySelector("li")) group.remove();
    for (const empty of this.emptyTargets) empty.remove();
  }

  #find(id) {
    return document.getElementById(`conversation-${id}`) ?? undefined;
  }

  async #refresh() {
    const watched = this.conversationItemOutlets.filter((item) => !item.isOpen && item.element.hasAttribute("data-busy"));
    if (!watched.length || document.visibilityState !== "visible") return;
    const { conversations } = await request("/api/conversations").catch(() => ({ conversations: [] }));
    for (const { id, state } of conversations) watched.find((item) => item.idValue === id)?.show({ state });
  }
}
