// Ties the thread's scrolling to the page: what grew, what the reader did, the «follow» button.
import { Controller } from "@hotwired/stimulus";
import { Autoscroll } from "couach/lib/autoscroll";

export default class extends Controller {
  static targets = ["scroller", "content", "spacer", "follow", "topbar"];

  connect() {
    this.parts = { content: this.contentTarget, follow: this.followTarget, topbar: this.topbarTarget }; // looked for once: scrolling asks often
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

  follow() {
    this.scroll.follow();
  }

  scrolled() {
    this.scroll.scrolled();
  }

  touch({ type }) {
    this.scroll.touching = type === "touchstart";
  }

  #show = ({ away, scrolled }) => {
    this.parts.follow.hidden = !(away && this.parts.content.querySelector("[data-running]"));
    this.parts.topbar.classList.toggle("is-scrolled", scrolled);
  };

  // Someone who selects text is reading: the text must not move under the pointer.
  #selecting = () => {
    const selection = document.getSelection();
    if (!selection.isCollapsed && this.contentTarget.contains(selection.anchorNode)) this.scroll.unpin();
  };
}
