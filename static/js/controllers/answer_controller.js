// Carries one answer: lets its run start or go on, and keeps its article, the announcements and the page up to date.
import { Controller } from "@hotwired/stimulus";
import { AnswerView, HIDDEN_AT_FIRST } from "couach/lib/answer_view";
import { cleanHtml } from "couach/lib/clipboard";
import { countWords } from "couach/lib/format";
import { announce, toast } from "couach/lib/notices";
import { sentence } from "couach/lib/problems";
import { showRating } from "couach/lib/rating";
import { Run } from "couach/lib/run";
import { stageWords } from "couach/lib/stages";
import { retryNow } from "couach/lib/stream";
import { t, tn } from "couach/lib/texts";

export default class extends Controller {
  static targets = ["text", "thinking"];
  static values = { message: Object, request: Object };

  isLost = false; // the connection, as the page was told

  connect() {
    if (this.run) return; // its successor was refused: it stands again as it was
    const message = { ...this.messageValue, content: this.textTarget.textContent, thinking: this.thinkingTarget.textContent };
    this.view = new AnswerView(this.element);
    showRating(this.element, message.rating);
    this.run = new Run(message, this);
    if (this.hasRequestValue) this.run.start(this.requestValue);
    else if (this.run.state.active) this.run.join(message);
    else this.progress();
  }

  disconnect() {
    this.#tick(false);
    this.run.leave();
    this.view.dispose();
  }

  // An answer that goes on gets its request after it was connected.
  requestValueChanged(request) {
    if (!this.run || !request.url) return;
    this.view.waitAnew();
    this.run.start(request);
  }

  async stop() {
    try {
      await this.run.stop();
    } catch (error) {
      this.run.stopping = false;
      this.progress();
      this.dispatch("unstopped");
      toast(sentence(error));
    }
  }

  retry() {
    retryNow();
  }

  // Fills in what the foot's copy button asks for: the Markdown as written, and clean HTML for documents.
  provide({ target, detail }) {
    if (this.textTarget.contains(target)) return;
    Object.assign(detail, { text: this.run.state.content, html: cleanHtml(this.textTarget), element: this.textTarget });
  }

  // What follows is called by the run.

  progress() {
    this.view.show(this.run.state, this.run);
    const isLost = this.run.lost !== null;
    if (isLost !== this.isLost) this.dispatch("connection", { detail: { isLost } });
    this.isLost = isLost;
  }

  changed() {
    const { state } = this.run;
    this.element.toggleAttribute("data-running", state.active);
    this.#tick(state.active);
    this.progress();
    this.dispatch("change", { detail: { status: state.status, stage: state.stage, position: state.position } });
    if (!state.active) return;
    const { title, detail } = stageWords(state);
    announce(`${title} ${detail}`, { kind: "stage" });
  }

  accepted(data) {
    this.element.dataset.messageId = data.message.id;
    this.dispatch("accepted", { detail: data });
  }

  leftOut(leftOut) {
    this.dispatch("context", { detail: leftOut });
  }

  over() {
    const { status, content } = this.run.state;
    announce(status === "done" ? tn("announce_ready", countWords(content)) : t(`announce_${status}`));
    this.dispatch("over", { detail: { status } });
  }

  refused(error) {
    this.dispatch("refused", { detail: { error } });
  }

  // Seconds go by between events, and the first stage shows itself after a moment.
  #tick(on) {
    clearInterval(this.clock);
    clearTimeout(this.soon);
    if (!on) return;
    this.clock = setInterval(() => this.progress(), 1000);
    this.soon = setTimeout(() => this.progress(), HIDDEN_AT_FIRST + 1);
  }
}
