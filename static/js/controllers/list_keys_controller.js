// The keys of the list of conversations: arrows, Home and End move, F2 renames, Delete removes.
import { Controller } from "@hotwired/stimulus";

const ROWS = ".side-item > .side-link, .side-more";
const MOVES = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
const VERBS = { F2: "rename", Delete: "remove" };

export default class extends Controller {
  press(event) {
    const row = event.target.closest(ROWS);
    if (!row || event.target !== row || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in MOVES) this.#move(event, row);
    else if (event.key in VERBS) this.#act(event, row);
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
