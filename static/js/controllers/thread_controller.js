// Ties the thread's scrolling to the page: what grew, what the reader did, the «follow» button.
import { Controller } from "@hotwired/stimulus";
import { Autoscroll } from "couach/lib/autoscroll";

export default class extends Controller {
  static targets = ["scroller", "content", "spacer", "follow", "following", "topbar"];

  connect() {
    // Looked for once: scrolling asks often.
    this.parts = { content: this.contentTarget, follow: this.followTarget, words: this.followingTargets, topbar: this.topbarTarget };
    const stillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.scroll = new Autoscroll({
      scroller: this.scrollerTarget,
      spacer: this.spacerTarget,
      turns: this.contentTarget.children,
      still: () => stillness.matches,
      changed: this.#show,
    });
    // Its first call comes once the end of the conversation is rendered, before anything is painted.
    let begin = () => { this.scroll.jumpToEnd(); begin = null; };
    this.sizes = new ResizeObserver(() => (begin ?? (() => this.scroll.resized()))());
    this.sizes.observe(this.contentTarget);
    this.sizes.observe(this.scrollerTarget);
    document.addEventListener("selectionchange", this.#selecting);
  }

  disconnect() {
    this.sizes.disconnect();
    document.removeEventListener("selectionchange", this.#selecting);
    this.scroll.dispose();
  }

  place({ target }) {
    this.scroll.placeAtTop(target);
  }

  land({ target }) {
    this.scroll.startAt(target);
  }

  // What is about to grow is looked at: the end is not followed.
  hold() {
    this.scroll.unpin();
  }

  exchange({ detail: { change } }) {
    this.scroll.exchange(change);
  }

  // The button goes when the end is reached: whoever pressed it goes on from the last turn.
  follow() {
    this.scroll.follow();
    this.contentTarget.lastElementChild?.focus({ preventScroll: true });
  }

  scrolled() {
    this.scroll.scrolled();
  }

  touch({ type }) {
    this.scroll.touching = type === "touchstart";
  }

  #show = ({ away, scrolled }) => {
    this.parts.follow.hidden = !away;
    if (away) this.#name(Boolean(this.parts.content.querySelector("[data-running]")));
    this.parts.topbar.classList.toggle("is-scrolled", scrolled);
  };

  #name(isRunning) {
    for (const words of this.parts.words) words.hidden = isRunning !== (words.dataset.while === "running");
  }

  // Someone who selects text is reading: the text must not move under the pointer.
  #selecting = () => {
    const selection = document.getSelection();
    if (!selection.isCollapsed && this.contentTarget.contains(selection.anchorNode)) this.scroll.unpin();
  };
}
