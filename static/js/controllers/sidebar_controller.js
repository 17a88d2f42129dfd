// The list of conversations: each in its place, pinned, in its folder or under its date; and which are being answered.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { t } from "couach/lib/texts";
import { offerKept } from "couach/lib/undo";

const EVERY = 20_000; // ms, while a conversation other than the open one is being answered

export default class extends Controller {
  static targets = ["pinned", "folder", "dated", "group", "more", "template", "groupTemplate", "empty", "menu"];
  static outlets = ["conversation-item"];

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

  // It was pinned, moved, archived or taken back.
  changed({ detail: conversation }) {
    if (!conversation.archived) this.#show(conversation);
    else this.#find(conversation.id)?.remove();
    this.#tidy();
  }

  // The conversations of a folder that was opened.
  add({ detail: { conversations } }) {
    conversations.filter(({ id }) => !this.#find(id)).forEach((conversation) => this.#show(conversation));
  }

  // A folder has gone: its conversations stand under their dates again.
  released({ detail: { items } }) {
    for (const item of items) {
      item.dataset.folder = "";
      this.#place(item);
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
      if (item && unread) toast(t("ready_elsewhere", { title }), { action: { label: t("open"), run: () => location.assign(url) } });
    }
  }

  #show(conversation) {
    const { id, pinned, group, folder_id: folder, updated_at: at } = conversation;
    const item = this.#find(id) ?? this.#make(conversation);
    Object.assign(item.dataset, { at, group, folder: folder ?? "" });
    item.toggleAttribute("data-pinned", pinned);
    this.#place(item);
    this.#tidy();
    return item;
  }

  #make({ id, title, url, state, unread }) {
    const item = this.templateTarget.content.firstElementChild.cloneNode(true);
    item.id = `conversation-${id}`;
    item.setAttribute("data-conversation-item-id-value", id);
    item.setAttribute("data-rename-id-value", id);
    item.querySelector(".side-link").href = url;
    item.querySelector(".label").textContent = title;
    item.querySelector(".side-link").classList.toggle("is-unread", Boolean(unread));
    item.toggleAttribute("data-busy", Boolean(state));
    for (const [mark, shown] of Object.entries({ writing: state === "running", queued: state === "queued", unread })) {
      item.querySelector(`[data-conversation-item-target="${mark}"]`).hidden = !shown;
    }
    return item;
  }

  // Where it belongs; nowhere while its folder is closed and was never opened.
  #place(item) {
    const list = this.#listOf(item);
    if (!list) return item.remove();
    const next = [...list.children].find((other) => other !== item && other.dataset.at <= item.dataset.at) ?? null;
    if (item.parentElement !== list || item.nextElementSibling !== next) list.insertBefore(item, next);
  }

  #listOf({ dataset: { pinned, folder, group, at } }) {
    if (pinned !== undefined) return this.pinnedTarget.querySelector("ul");
    const drawer = folder && this.folderTargets.find(({ id }) => id === `folder-${folder}`);
    if (drawer) return drawer.dataset.folderLoadedValue === "true" ? drawer.querySelector("ul") : null;
    return (this.groupTargets.find(({ dataset: { label } }) => label === group) ?? this.#newGroup(group, at)).querySelector("ul");
  }

  #newGroup(label, at) {
    const group = this.groupTemplateTarget.content.firstElementChild.cloneNode(true);
    group.dataset.label = label;
    group.querySelector("h2").textContent = label;
    const next = this.groupTargets.find((other) => (other.querySelector("li")?.dataset.at ?? "") < at) ?? null;
    this.datedTarget.insertBefore(group, next);
    return group;
  }

  #tidy() {
    for (const group of this.groupTargets) if (!group.querySelector("li")) group.remove();
    this.pinnedTarget.hidden = !this.pinnedTarget.querySelector("li");
    for (const empty of this.emptyTargets) empty.hidden = Boolean(this.element.querySelector(".side-item[id]"));
  }

  #find(id) {
    return document.getElementById(`conversation-${id}`) ?? undefined;
  }
}
