// Greets by the reader's own clock.
import { Controller } from "@hotwired/stimulus";
import { t } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["hello", "question"];
  static values = { name: String };

  connect() {
    const hour = new Date().getHours();
    const moment = hour < 5 || hour >= 18 ? "evening" : hour < 12 ? "morning" : "afternoon";
    this.helloTarget.textContent = t(moment === "evening" ? "good_evening" : "good_day", { name: this.nameValue });
    if (this.hasQuestionTarget) this.questionTarget.textContent = t(`start_${moment}`);
  }
}
