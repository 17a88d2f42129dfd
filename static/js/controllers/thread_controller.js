// Ties the thread's scrolling to the page: what grew, what the reader did, the «follow» button.
import { Controller } from "@hotwired/stimulus";
import { Autoscroll } from "couach/lib/autoscroll";

export default class extends Controller {
  static targets = ["scroller", "content", "spacer", "follow", "topbar"];

  connect() {
    const stillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.scroll = new Autoscroll({
      scroller: this.scrollerTarget,
      spacer: this.spacerTarget,
      still: () => stillness.matches,
      changed: this.#show,
    });
    this.sizes = new ResizeObserver(() => this.scroll.resized());
    this.sizes.observe(this.contentTarget);
    this.sizes.observe(this.scrollerTarget);
    document.addEventListener("selectionchange", this.#selecting);
    this.scroll.jumpToEnd();
  }

  disconnect() {
    this.sizes.disconnect();
    document.removeEventListener("selectionchange", this.#selecting);
    this.scroll.dispose();
  }

  place({ target }) {
    this.scroll.placeAtTop(target);
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
    this.followTarget.hidden = !(away && this.contentTarget.querySelector("[data-running]"));
    this.topbarTarget.classList.toggle("is-scrolled", scrolled);
  };

  // Someone who selects text is reading: the text must not move under the pointer.
  #selecting = () => {
    const selection = document.getSelection();
    if (!selection.isCollapsed && this.contentTarget.contains(selection.anchorNode)) this.scroll.unpin();
  };
}
