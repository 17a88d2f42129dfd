// Leads through the places of a prompt that are to be filled in: Tab goes on, a touch selects one, none is forgotten.
import { Controller } from "@hotwired/stimulus";
import { announce, toast } from "couach/lib/notices";
import { placeAt, placeBeside, placesOf } from "couach/lib/places";
import { t } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["text"];

  // A prompt has just been filled in; what people write themselves in double braces is theirs.
  begin() {
    this.filling = true;
    this.said = false;
    this.#select(placesOf(this.textTarget.value)[0]);
  }

  // At the ends the focus leaves as always.
  key(event) {
    if (!this.filling || event.key !== "Tab" || event.ctrlKey || event.altKey || event.metaKey) return;
    const { value, selectionStart: start, selectionEnd: end } = this.textTarget;
    const place = placeBeside(value, { start, end }, event.shiftKey);
    if (!place) return;
    event.preventDefault();
    this.#select(place);
  }

  touched() {
    const { value, selectionStart, selectionEnd } = this.textTarget;
    if (this.filling && selectionStart === selectionEnd) this.#select(placeAt(value, selectionStart));
  }

  // Once: who sends again means it.
  check(event) {
    const [place] = this.filling ? placesOf(this.textTarget.value) : [];
    if (!place || this.said) {
      this.filling = false;
      return;
    }
    event.preventDefault();
    this.said = true;
    this.#select(place);
    toast(t("places_left", { name: place.name }));
  }

  #select(place) {
    if (!place) return;
    this.textTarget.focus();
    this.textTarget.setSelectionRange(place.start, place.end);
    announce(t("place_to_fill", { name: place.name }));
  }
}
