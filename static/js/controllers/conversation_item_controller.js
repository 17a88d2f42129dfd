// One conversation in the sidebar: what its run is doing, and its removal with a way back.
import { Controller } from "@hotwired/stimulus";
import { request } from "couach/lib/http";
import { toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { ordinal } from "couach/lib/texts";
import { keepForNextPage, offerUndo } from "couach/lib/undo";

export default class extends Controller {
  static targets = ["link", "writing", "queued", "rank", "suffix"];
  static values = { id: String };

  get isOpen() {
    return this.linkTarget.hasAttribute("aria-current");
  }

  // state: null, "queued" or "running"; position is the rank in the queue when it is known.
  show({ state, position = null }) {
    this.element.toggleAttribute("data-busy", Boolean(state));
    this.writingTarget.hidden = state !== "running";
    this.queuedTarget.hidden = state !== "queued";
    this.rankTarget.textContent = position ?? "";
    this.suffixTarget.textContent = position ? ordinal(position) : "";
  }

  async remove() {
    const removed = { id: this.idValue, title: this.linkTarget.querySelector(".label").textContent.trim() };
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
    this.element.hidden = true;
    offerUndo(removed, { undone: () => { this.element.hidden = false; }, gone: () => this.element.remove() });
  }
}
