// One conversation in the sidebar: what its run is doing, and what is done with it, with a way back.
import { Controller } from "@hotwired/stimulus";
import { openDialog } from "../lib/dialogs.js";
import { shortened } from "../lib/format.js";
import { request } from "../lib/http.js";
import { toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { findRow } from "../lib/sidebar_groups.js";
import { ordinal, t } from "../lib/texts.js";
import { keepForNextPage, offerUndo } from "../lib/undo.js";

export default class extends Controller {
  static targets = ["link", "writing", "queued", "rank", "suffix", "unread"];
  static values = { id: String };

  get isOpen() {
    return this.linkTarget.hasAttribute("aria-current");
  }

  get isBusy() {
    return this.element.hasAttribute("data-busy");
  }

  // state: null, "queued" or "running"; position is the rank in the queue when it is known.
  show({ state, position = null, unread = false }) {
    this.element.toggleAttribute("data-busy", Boolean(state));
    this.writingTarget.hidden = state !== "running";
    this.queuedTarget.hidden = state !== "queued";
    this.rankTarget.textContent = position ?? "";
    this.suffixTarget.textContent = position ? ordinal(position) : "";
    this.#markUnread(unread);
  }

  see() {
    this.#markUnread(false);
  }

  // The menu that all rows share comes here; it is told what this row is.
  menu(event) {
    const isPinned = this.element.hasAttribute("data-pinned");
    const { defaultPrevented: isOpened } = this.dispatch("menu", { detail: { isPinned } });
    if (isOpened) event.preventDefault(); // or the button would close it again
  }

  pin() {
    this.#change({ pinned: true });
  }

  unpin() {
    this.#change({ pinned: false });
  }

  async archive() {
    if (!await this.#change({ archived: true })) return;
    const run = () => this.#change({ archived: false });
    toast(t("archived", { title: shortened(this.#title) }), { action: { label: t("undo"), run } });
  }

  // Closing the dialogs gives the focus back to what had it: the row, not its menu, which is hidden by then.
  move() {
    this.linkTarget.focus();
    const moved = (folder) => this.#change({ folder_id: folder });
    openDialog("move", { title: this.#title, folder: this.element.dataset.folder, moved });
  }

  export() {
    this.linkTarget.focus();
    openDialog("export", { id: this.idValue, title: this.#title });
  }

  share() {
    this.linkTarget.focus();
    openDialog("share", { id: this.idValue, title: this.#title });
  }

  async remove() {
    const removed = { id: this.idValue, title: this.#title };
    try {
      await request(`/api/conversations/${removed.id}`, { method: "DELETE" });
    } catch (error) {
      toast(sentence(error));
      return;
    }
    if (this.isOpen) {
      keepForNextPage(removed);
      location.assign("/");
      return;
    }
    this.#giveFocusAway();
    this.element.hidden = true;
    offerUndo(removed, { undone: () => this.#comeBack(), gone: () => this.element.remove() });
  }

  // The list puts the row where it now belongs.
  async #change(body) {
    try {
      const conversation = await request(`/api/conversations/${this.idValue}`, { method: "PATCH", body });
      if (conversation.archived) this.#giveFocusAway();
      this.list.dispatchEvent(new CustomEvent("conversation-item:changed", { detail: conversation, bubbles: true }));
      if (!conversation.archived) this.#focusRow(conversation.folder_id);
      return true;
    } catch (error) {
      toast(sentence(error));
      return false;
    }
  }

  // Kept, because the row may have left the page when it is called back.
  connect() {
    this.list = this.element.closest("[data-controller~=sidebar]");
  }

  #giveFocusAway() {
    if (!this.element.contains(document.activeElement)) return;
    const links = [...this.list.querySelectorAll(".side-item > .side-link")].filter((link) => link.offsetParent !== null);
    const place = links.indexOf(this.linkTarget);
    (links[place + 1] ?? links[place - 1] ?? this.list.closest(".sidebar").querySelector(".sidebar__top .side-link")).focus();
  }

  #comeBack() {
    this.element.hidden = false;
    this.#focusRow(this.element.dataset.folder);
  }

  // The one that stands there now, or the opener of the closed folder that it is in.
  #focusRow(folder) {
    const link = findRow(this.idValue)?.querySelector(".side-link");
    const isSeen = link && link.offsetParent !== null;
    (isSeen ? link : this.list.querySelector(`#folder-${folder} .side-link`))?.focus();
  }

  #markUnread(unread) {
    this.linkTarget.classList.toggle("is-unread", unread);
    this.unreadTarget.hidden = !unread;
  }

  get #title() {
    return this.linkTarget.querySelector(".label").textContent.trim();
  }
}
