// How full the model's context is: what the engine counted for the last answer, and an estimate of what is being written.
import { Controller } from "@hotwired/stimulus";
import { number, percent } from "couach/lib/format";
import { t } from "couach/lib/texts";
import { estimatedTokens, tokensAfter } from "couach/lib/tokens";

const HIGH = 0.75;

export default class extends Controller {
  static targets = ["gauge", "ring", "words", "sentence"];
  static values = { system: Number, context: Number };

  connect() {
    this.measure();
  }

  chosen({ detail: { context } }) {
    this.contextValue = context || this.contextValue;
    this.#draw();
  }

  written({ detail: { content } }) {
    this.draft = content.trim() ? estimatedTokens(content) : 0;
    this.#draw();
  }

  measure() {
    const answer = [...document.querySelectorAll("article.answer")].at(-1);
    this.isCut = document.querySelector(".left-out") !== null;
    this.known = answer ? tokensAfter(this.#facts(answer)) ?? this.#estimate() : 0;
    this.#draw();
  }

  // Where the engine counts nothing, or was stopped before it said.
  #estimate() {
    const texts = document.querySelectorAll("article.turn [data-part=content], article.answer [data-part=text]");
    return [...texts].reduce((sum, { textContent }) => sum + estimatedTokens(textContent), this.systemValue);
  }

  // The answers of this page know how they ended; the history's bring it with them.
  #facts(answer) {
    const here = this.application.getControllerForElementAndIdentifier(answer, "answer")?.run?.state;
    const thinking = answer.querySelector("[data-part=thinking-text]")?.textContent;
    return here ?? { ...JSON.parse(answer.dataset.answerMessageValue), thinking };
  }

  #draw() {
    const { draft = 0, known } = this;
    const used = (known || (draft && this.systemValue)) + draft;
    const filled = this.contextValue ? used / this.contextValue : 0;
    const share = this.isCut ? Math.max(1, filled) : filled;
    const shown = Math.min(1, share);
    this.gaugeTarget.hidden = Math.round(share * 100) === 0;
    this.gaugeTarget.classList.toggle("is-high", share >= HIGH);
    this.ringTarget.setAttribute("stroke-dasharray", `${shown * 100} 100`);
    this.wordsTarget.textContent = share >= 1 ? t("gauge_full") : t("gauge", { share: percent(shown) });
    const sentence = this.isCut ? "gauge_cut" : share > 1 ? "gauge_beyond" : "gauge_sentence";
    this.sentenceTarget.textContent = t(sentence, { used: number(used), total: number(this.contextValue) });
  }
}
