// The list of conversations: each in its place, pinned, in its folder or under its date; which are being answered; the
// folders; and the list's keys: arrows, Home and End move, F2 renames, Delete removes.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { shortened } from "../lib/format.js";
import { request } from "../lib/http.js";
import { listen } from "../lib/listen.js";
import { toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { SidebarGroups, findRow, newFolder, newRow } from "../lib/sidebar_groups.js";
import { t } from "../lib/texts.js";
import { offerKept } from "../lib/undo.js";

const EVERY = 20_000; // ms, while a conversation other than the open one is being answered
const ROWS = ".side-item > .side-link, .side-more";
const MOVES = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
const VERBS = { F2: "rename", Delete: "remove" };

export default class extends Controller {
  static targets = ["pinned", "folder", "dated", "group", "more", "template", "groupTemplate", "empty", "menu",
    "folderOpener", "folderForm", "folderName", "folders", "folderTemplate"];
  static outlets = ["conversation-item"];

  groups = new SidebarGroups(this);

  connect() {
    offerKept();
    this.menu = this.menuTarget; // rows come and go, it stays
    this.timer = setInterval(() => this.refresh(), EVERY);
    const fetchMore = ([{ isIntersecting }]) => isIntersecting && this.more();
    this.watch = new IntersectionObserver(fetchMore, { root: this.element });
    this.watch.observe(this.moreTarget);
    this.unlisten = listen(conversation, {
      saved: ({ conversation: saved }) => this.#putFirst(saved),
      branch: (branch) => this.#showBranch(branch),
      activity: () => this.#showActivity(),
      seen: ({ id }) => this.#item(id)?.see(),
      renamed: ({ id, title }) => this.#entitle(findRow(id), title),
    });
  }

  disconnect() {
    this.unlisten();
    clearInterval(this.timer);
    this.watch.disconnect();
  }

  // The open conversation may have been seen before its row was there to hear of it.
  conversationItemOutletConnected(item) {
    if (item.idValue === conversation.id && !conversation.isUnread) item.see();
  }

  // It was pinned, moved, archived or taken back.
  changed({ detail: changed }) {
    if (!changed.archived) this.#show(changed);
    else findRow(changed.id)?.remove();
    this.#tidy();
  }

  // The conversations of a folder that was opened.
  add({ detail: { conversations } }) {
    conversations.filter(({ id }) => !findRow(id)).forEach((each) => this.#show(each));
  }

  // A folder has gone: its conversations stand under their dates again.
  released({ detail: { items } }) {
    for (const item of items) {
      item.dataset.folder = "";
      this.groups.place(item);
    }
    this.#tidy();
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
      const query = `loose=1&cursor=${encodeURIComponent(cursor)}`;
      const { conversations, next_cursor: next } = await request(`/api/conversations?${query}`);
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
      const action = { label: t("open"), run: () => location.assign(url) };
      if (item && unread) toast(t("ready_elsewhere", { title: shortened(title) }), { action });
    }
  }

  press(event) {
    const row = event.target.closest(ROWS);
    if (!row || event.target !== row || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in MOVES) this.#move(event, row);
    else if (event.key in VERBS) this.#act(event, row);
  }

  beginFolder() {
    this.folderFormTarget.hidden = false;
    this.folderNameTarget.value = "";
    this.folderNameTarget.focus();
  }

  cancelFolder(event) {
    event.preventDefault();
    this.folderFormTarget.hidden = true;
    this.folderOpenerTarget.focus();
  }

  async makeFolder(event) {
    event.preventDefault();
    if (this.folderFormTarget.hidden) return; // leaving the field after Enter or Escape
    this.folderFormTarget.hidden = true;
    const name = this.folderNameTarget.value.trim();
    if (!name) return;
    try {
      const folder = this.#putFolder(await request("/api/folders", { method: "POST", body: { name } }));
      folder.querySelector(".side-link").focus();
    } catch (error) {
      toast(sentence(error));
      this.folderOpenerTarget.focus();
    }
  }

  // One that was made elsewhere on the page.
  addFolder({ detail: folder }) {
    this.#putFolder(folder);
  }

  // It was written in: it comes first where it stands.
  #putFirst(saved) {
    const item = this.#show({ ...saved, group: t("today") });
    this.#entitle(item, saved.title);
    const links = this.element.closest(".sidebar").querySelectorAll(".side-link[aria-current]");
    for (const link of links) link.removeAttribute("aria-current");
    item.querySelector(".side-link").setAttribute("aria-current", "page");
  }

  // The open one was emptied, or has something in it again.
  #showBranch(branch) {
    const item = findRow(branch.id);
    if (!branch.messages.length) item?.remove();
    else if (!item) this.#show(branch).querySelector(".side-link").setAttribute("aria-current", "page");
    this.#tidy();
  }

  // The open conversation's run.
  #showActivity() {
    const { position, stage } = conversation.running?.run.state ?? {};
    const state = stage === "queued" || stage === "part" ? "queued" : "running";
    this.conversationItemOutlets.find((item) => item.isOpen)?.show(stage ? { state, position } : { state: null });
  }

  #item(id) {
    return this.conversationItemOutlets.find(({ idValue }) => idValue === id);
  }

  #entitle(item, title) {
    if (item) item.querySelector(".label").textContent = title;
  }

  #show(listed) {
    const { id, pinned, group, folder_id: folder, updated_at: at } = listed;
    const item = findRow(id) ?? newRow(this.templateTarget, listed);
    Object.assign(item.dataset, { at, group, folder: folder ?? "" });
    item.toggleAttribute("data-pinned", pinned);
    this.groups.place(item);
    this.#tidy();
    return item;
  }

  #tidy() {
    this.groups.tidy();
    for (const empty of this.emptyTargets) empty.hidden = Boolean(this.element.querySelector(".side-item[id]"));
  }

  #putFolder({ id, name }) {
    const folder = newFolder(this.folderTemplateTarget, { id, name });
    const isAfter = (other) => other.querySelector(".label").textContent.localeCompare(name) > 0;
    this.foldersTarget.insertBefore(folder, [...this.foldersTarget.children].find(isAfter) ?? null);
    return folder;
  }

  #move(event, row) {
    event.preventDefault();
    const rows = this.#rows;
    const place = rows.indexOf(row) + MOVES[event.key];
    rows[Math.max(0, Math.min(place, rows.length - 1))].focus();
  }

  // The row's own controllers listen.
  #act(event, row) {
    const owner = row.closest("[data-controller~=rename]");
    if (!owner) return;
    event.preventDefault();
    this.dispatch(VERBS[event.key], { target: owner, bubbles: false });
  }

  get #rows() {
    return [...this.element.querySelectorAll(ROWS)].filter((row) => row.offsetParent !== null);
  }
}
