// After everything was erased: this browser forgets the drafts and the prepared questions of that person too.
import { Controller } from "@hotwired/stimulus";
import { Drafts } from "couach/lib/drafts";

export default class extends Controller {
  static values = { owner: String };

  connect() {
    Drafts.forPerson(this.ownerValue).clearAll();
  }
}
