// The sidebar: a drawer over the page on small screens, a column that folds on large ones.
import { Controller } from "@hotwired/stimulus";

const LARGE = "(width >= 68.75rem)"; // the same limit as in static/css/components/shell.css
const YEAR = 365 * 24 * 3600;

export default class extends Controller {
  static targets = ["sidebar", "main", "opener", "closer"];

  connect() {
    this.large = matchMedia(LARGE);
    this.large.addEventListener("change", this.#reset);
    document.addEventListener("keydown", this.#escape);
    this.#say();
  }

  disconnect() {
    this.large.removeEventListener("change", this.#reset);
    document.removeEventListener("keydown", this.#escape);
    this.#open(false);
  }

  open() {
    if (this.large.matches) this.#fold(false);
    else this.#open(true);
    this.closerTarget.focus();
  }

  close() {
    if (this.large.matches) this.#fold(true);
    else this.#open(false);
    if (this.hasOpenerTarget) this.openerTarget.focus();
  }

  // In a cookie, so that the server draws the next page folded and nothing jumps.
  #fold(folded) {
    this.element.classList.toggle("is-folded", folded);
    document.cookie = `sidebar=${folded ? "folded" : "open"}; Path=/; Max-Age=${YEAR}; SameSite=Lax`;
    this.#say();
  }

  // What lies behind the drawer cannot be reached: the keyboard stays inside. Toasts can: one may take back a removal.
  #open(open) {
    this.element.classList.toggle("is-open", open);
    for (const outside of [this.mainTarget, ...document.querySelectorAll(".skip-link")]) outside.inert = open;
    this.#say();
  }

  #say() {
    const shown = this.large.matches ? !this.element.classList.contains("is-folded") : this.element.classList.contains("is-open");
    for (const opener of this.openerTargets) opener.setAttribute("aria-expanded", String(shown));
  }

  #reset = () => this.#open(false);

  #escape = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector(":popover-open, dialog[open]")) return;
    if (!this.element.classList.contains("is-open")) return;
    event.preventDefault(); // Escape here does not also stop the answer
    this.close();
  };
}
