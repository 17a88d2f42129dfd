// How full the model's context is: what the engine counted for the last answer, and an estimate of the draft.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { number, percent } from "../lib/format.js";
import { listen } from "../lib/listen.js";
import { tokensOf } from "../lib/pictures.js";
import { t } from "../lib/texts.js";
import { estimatedTokens, tokensAfter } from "../lib/tokens.js";

const HIGH = 0.75;

export default class extends Controller {
  static targets = ["gauge", "ring", "words", "sentence"];
  static values = { system: Number };

  connect() {
    const draw = () => this.#draw();
    const measure = () => this.#measure();
    this.listening = [
      listen(conversation, { choice: draw, over: measure, branch: measure }),
      listen(conversation.draft, { change: draw }),
    ];
    this.#measure();
  }

  disconnect() {
    this.listening.forEach((unlisten) => unlisten());
  }

  #measure() {
    const answer = conversation.messages.findLast(({ run }) => run);
    this.isCut = conversation.leftOut !== null;
    this.known = answer ? tokensAfter(answer.run.state) ?? this.#estimate() : 0;
    this.#draw();
  }

  // Where the engine counts nothing, or was stopped before it said.
  #estimate() {
    const texts = conversation.messages.flatMap(({ content, run, passages = [] }) => [run ? run.state.content : content, ...passages.map(({ text }) => text)]);
    // Of longer documents the model reads notes.
    const { documentTokens: most = Infinity, imageTokens } = conversation.chosen;
    const asked = conversation.messages.filter(({ passages }) => passages?.length === 0);
    const whole = asked.reduce((sum, { documents }) => sum + Math.min(most, tokensOf(documents, imageTokens)), 0);
    return texts.reduce((sum, text) => sum + estimatedTokens(text), this.systemValue) + whole;
  }

  #draw() {
    const { contextSize, draft: { content, documents }, needsPassages, chosen: { imageTokens } } = conversation;
    this.total = contextSize || this.total || 0; // of a model that is not known, nothing is said
    const written = (content.trim() ? estimatedTokens(content) : 0) + (needsPassages ? 0 : documents.tokens(imageTokens));
    const used = (this.known || (written && this.systemValue)) + written;
    const filled = this.total ? used / this.total : 0;
    const share = this.isCut ? Math.max(1, filled) : filled;
    const shown = Math.min(1, share);
    this.gaugeTarget.hidden = Math.round(share * 100) === 0;
    this.gaugeTarget.classList.toggle("is-high", share >= HIGH);
    this.ringTarget.setAttribute("stroke-dasharray", `${shown * 100} 100`);
    this.wordsTarget.textContent = share >= 1 ? t("gauge_full") : t("gauge", { share: percent(shown) });
    const sentence = this.isCut ? "gauge_cut" : share > 1 ? "gauge_beyond" : "gauge_sentence";
    this.sentenceTarget.textContent = t(sentence, { used: number(used), total: number(this.total) });
  }
}
