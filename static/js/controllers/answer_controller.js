// One answer: draws its run in its article, and says the stages.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { AnswerView, HIDDEN_AT_FIRST } from "../lib/answer_view.js";
import { cleanHtml } from "../lib/clipboard.js";
import { offerCopy } from "../lib/copy_source.js";
import { listen } from "../lib/listen.js";
import { announce } from "../lib/notices.js";
import { showRating } from "../lib/rating.js";
import { stageWords } from "../lib/stages.js";
import { retryNow } from "../lib/stream.js";
import { messageOf } from "../lib/turns.js";

export default class extends Controller {
  static targets = ["text"];

  connect() {
    const message = messageOf(this.element);
    const { rating, run } = message;
    this.run = run;
    this.view ??= new AnswerView(this.element, askedWith(conversation.questionOf(message))); // its successor may have been refused: it then stands again as it was
    this.unlisten = listen(run, { progress: () => this.#draw(), stage: () => this.#changeStage() });
    showRating(this.element, rating);
    offerCopy(this.element, this.#toCopy);
    this.isActive = run.state.active;
    this.#watch();
    this.#draw();
  }

  disconnect() {
    this.unlisten();
    this.#tick(false);
    this.view.dispose();
  }

  retry() {
    retryNow();
  }

  #draw() {
    this.view.show(this.run.state, this.run);
  }

  #changeStage() {
    const { state } = this.run;
    if (state.active && !this.isActive) this.view.waitAnew();
    this.isActive = state.active;
    this.#watch();
    this.#draw();
    if (!state.active) return;
    const { title, detail } = stageWords(state);
    announce(`${title} ${detail}`, { kind: "stage" });
  }

  #watch() {
    this.element.toggleAttribute("data-running", this.isActive);
    this.#tick(this.isActive);
  }

  // The Markdown as written, and clean HTML for documents.
  #toCopy = () => ({ text: this.run.state.content, html: cleanHtml(this.textTarget), element: this.textTarget });

  // Seconds go by between events, and the first stage shows itself after a moment.
  #tick(on) {
    clearInterval(this.clock);
    clearTimeout(this.soon);
    if (!on) return;
    this.clock = setInterval(() => this.#draw(), 1000);
    this.soon = setTimeout(() => this.#draw(), HIDDEN_AT_FIRST + 1);
  }
}

// The passages with the kind of document that each is of, and the documents.
function askedWith(question) {
  const { documents = [], passages = [] } = question ?? {};
  const kinds = new Map(documents.map(({ id, kind }) => [id, kind]));
  return { documents, passages: passages.map((passage) => ({ ...passage, kind: kinds.get(passage.file_id) })) };
}
