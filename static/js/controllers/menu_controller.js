// Opens a popover beside its button and moves through it with the arrow keys.
import { Controller } from "@hotwired/stimulus";

const GAP = 6; // pixels between the button and its panel
const EDGE = 8; // pixels kept free at the edges of the window
const CHOICES = '[role^="menuitem"], a[href], button';

export default class extends Controller {
  static targets = ["button", "panel"];
  static values = { placement: { type: String, default: "bottom-start" } };

  #sizes = new ResizeObserver(() => this.#position());

  // A panel may be one that several buttons share: it comes to the button that is pressed.
  panelTargetConnected(panel) {
    if (!panel.popover) panel.popover = "auto";
    this.buttonTarget.popoverTargetElement ??= panel;
    this.buttonTarget.setAttribute("aria-expanded", "false");
    panel.addEventListener("beforetoggle", this.#place);
    panel.addEventListener("toggle", this.#settle);
    panel.addEventListener("keydown", this.#move);
    panel.addEventListener("click", this.#choose);
    this.buttonTarget.addEventListener("keydown", this.#openByArrow);
  }

  panelTargetDisconnected(panel) {
    this.#watch(false);
    panel.removeEventListener("beforetoggle", this.#place);
    panel.removeEventListener("toggle", this.#settle);
    panel.removeEventListener("keydown", this.#move);
    panel.removeEventListener("click", this.#choose);
    if (!this.hasButtonTarget) return;
    this.buttonTarget.popoverTargetElement = null;
    this.buttonTarget.setAttribute("aria-expanded", "false");
    this.buttonTarget.removeEventListener("keydown", this.#openByArrow);
  }

  close() {
    if (this.panelTarget.matches(":popover-open")) this.panelTarget.hidePopover();
  }

  #place = (event) => {
    if (event.newState !== "open") return;
    this.panelTarget.classList.add("is-placed");
    requestAnimationFrame(() => { // shown by then, not yet painted
      this.#position();
      this.#enter();
    });
  };

  #settle = (event) => {
    const open = event.newState === "open";
    this.buttonTarget.setAttribute("aria-expanded", String(open));
    this.#watch(open);
  };

  #enter() {
    if (!this.hasPanelTarget || !this.panelTarget.matches(":popover-open")) return;
    const chosen = this.panelTarget.querySelector('[aria-checked="true"], [aria-selected="true"]');
    (chosen ?? this.#choices[0])?.focus();
  }

  #watch(open) {
    const change = open ? addEventListener : removeEventListener;
    change("resize", this.#position);
    change("scroll", this.#position, { capture: true, passive: true });
    if (open) this.#sizes.observe(this.panelTarget);
    else this.#sizes.disconnect();
  }

  #position = () => {
    const button = this.buttonTarget.getBoundingClientRect();
    const panel = this.panelTarget;
    panel.style.setProperty("min-width", `${Math.min(button.width, innerWidth - 2 * EDGE)}px`);
    const { offsetWidth: width, offsetHeight: height } = panel;
    const [side, end] = this.placementValue.split("-");
    const above = button.top - GAP - height;
    const below = button.bottom + GAP;
    const fitsBelow = below + height <= innerHeight - EDGE;
    const top = side === "top" ? (above >= EDGE ? above : below) : (fitsBelow ? below : above);
    const left = end === "end" ? button.right - width : button.left;
    panel.style.setProperty("top", `${Math.max(EDGE, Math.min(top, innerHeight - EDGE - height))}px`);
    panel.style.setProperty("left", `${Math.max(EDGE, Math.min(left, innerWidth - EDGE - width))}px`);
  };

  #move = (event) => {
    const choices = this.#choices;
    const here = choices.indexOf(document.activeElement);
    const next = {
      ArrowDown: here + 1, ArrowRight: here + 1, ArrowUp: here - 1, ArrowLeft: here - 1, Home: 0, End: -1,
    }[event.key];
    if (event.key === "Tab") this.close();
    if (next === undefined || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    choices.at(next % choices.length)?.focus();
  };

  #choose = (event) => {
    const item = event.target.closest('[role^="menuitem"]');
    if (!item || item.matches('[aria-disabled="true"], [data-menu-keep-open]')) return;
    this.close();
  };

  #openByArrow = (event) => {
    if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    this.panelTarget.showPopover();
  };

  get #choices() {
    return [...this.panelTarget.querySelectorAll(CHOICES)].filter((item) => !item.disabled && item.offsetParent !== null);
  }
}
