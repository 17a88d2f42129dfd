// The list of conversations: each in its place, pinned, in its folder or under its date; and which are being answered.
import { Controller } from "@hotwired/stimulus";
import { shortened } from "couach/lib/format";
import { request } from "couach/lib/http";
import { toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { Shelves, findRow, newRow } from "couach/lib/shelves";
import { t } from "couach/lib/texts";
import { offerKept } from "couach/lib/undo";

const EVERY = 20_000; // ms, while a conversation other than the open one is being answered

export default class extends Controller {
  static targets = ["pinned", "folder", "dated", "group", "more", "template", "groupTemplate", "empty", "menu"];
  static outlets = ["conversation-item"];

  shelves = new Shelves(this);

  connect() {
    offerKept();
    this.menu = this.menuTarget; // rows come and go, it stays
    this.timer = setInterval(() => this.refresh(), EVERY);
    this.watch = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.more(), { root: this.element });
    this.watch.observe(this.moreTarget);
  }

  disconnect() {
    clearInterval(this.timer);
    this.watch.disconnect();
  }

  // A conversation was written in: it comes first where it stands.
  put({ detail: conversation }) {
    const item = this.#show({ ...conversation, group: t("today") });
    for (const link of this.element.closest(".sidebar").querySelectorAll(".side-link[aria-current]")) link.removeAttribute("aria-current");
    item.querySelector(".side-link").setAttribute("aria-current", "page");
  }

  // The open one was emptied, or has something in it again.
  branch({ detail: conversation }) {
    const item = findRow(conversation.id);
    if (!conversation.messages.length) item?.remove();
    else if (!item) this.#show(conversation).querySelector(".side-link").setAttribute("aria-current", "page");
    this.#tidy();
  }

  // It was pinned, moved, archived or taken back.
  changed({ detail: conversation }) {
    if (!conversation.archived) this.#show(conversation);
    else findRow(conversation.id)?.remove();
    this.#tidy();
  }

  // The conversations of a folder that was opened.
  add({ detail: { conversations } }) {
    conversations.filter(({ id }) => !findRow(id)).forEach((conversation) => this.#show(conversation));
  }

  // A folder has gone: its conversations stand under their dates again.
  released({ detail: { items } }) {
    for (const item of items) {
      item.dataset.folder = "";
      this.shelves.place(item);
    }
    this.#tidy();
  }

  // The open conversation's run, told by its answer.
  follow({ detail: { stage, position } }) {
    const item = this.conversationItemOutlets.find((outlet) => outlet.isOpen);
    if (stage === "over") item?.show({ state: null });
    else item?.show(stage === "queued" ? { state: "queued", position } : { state: "running" });
  }

  seen({ detail: { id } }) {
    this.conversationItemOutlets.find((item) => item.idValue === id)?.see();
  }

  async openMenu(event) {
    const { target: item, detail: { isPinned } } = event;
    this.menu.querySelector("[data-part=pin]").hidden = isPinned;
    this.menu.querySelector("[data-part=unpin]").hidden = !isPinned;
    if (this.menu.parentElement === item) return; // its button opens and closes it by itself
    event.preventDefault();
    item.append(this.menu);
    await null; // the row's menu has seen it come
    this.menu.showPopover();
  }

  async more() {
    const { cursor } = this.moreTarget.dataset;
    if (!cursor || this.loading) return;
    this.loading = true;
    try {
      const { conversations, next_cursor: next } = await request(`/api/conversations?loose=1&cursor=${encodeURIComponent(cursor)}`);
      this.add({ detail: { conversations } });
      this.moreTarget.dataset.cursor = next ?? "";
      this.moreTarget.hidden = !next;
    } catch (error) {
      toast(sentence(error));
    }
    this.loading = false;
    // What came may still end in sight: the observer tells again only what changes.
    this.watch.unobserve(this.moreTarget);
    this.watch.observe(this.moreTarget);
  }

  async refresh() {
    const watched = this.conversationItemOutlets.filter((item) => !item.isOpen && item.isBusy);
    if (!watched.length || document.visibilityState !== "visible") return;
    const { conversations } = await request("/api/conversations").catch(() => ({ conversations: [] }));
    for (const { id, state, unread, title, url } of conversations) {
      const item = watched.find(({ idValue }) => idValue === id);
      item?.show({ state, unread });
      if (item && unread) toast(t("ready_elsewhere", { title: shortened(title) }), { action: { label: t("open"), run: () => location.assign(url) } });
    }
  }

  #show(conversation) {
    const { id, pinned, group, folder_id: folder, updated_at: at } = conversation;
    const item = findRow(id) ?? newRow(this.templateTarget, conversation);
    Object.assign(item.dataset, { at, group, folder: folder ?? "" });
    item.toggleAttribute("data-pinned", pinned);
    this.shelves.place(item);
    this.#tidy();
    return item;
  }

  #tidy() {
    this.shelves.tidy();
    for (const empty of this.emptyTargets) empty.hidden = Boolean(this.element.querySelector(".side-item[id]"));
  }
}
