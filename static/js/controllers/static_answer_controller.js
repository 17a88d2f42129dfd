// An answer that the page has as it was written: laid out as in the chat once it comes near the window, and copied as written.
import { Controller } from "@hotwired/stimulus";
import { cleanHtml } from "../lib/clipboard.js";
import { offerCopy } from "../lib/copy_source.js";
import { isFrench } from "../lib/format.js";
import { MarkdownView } from "../lib/markdown_view.js";
import { metricsLine } from "../lib/metrics.js";

const NEAR = "100% 0px"; // a window above and below what is seen

export default class extends Controller {
  static targets = ["text", "metrics"];
  static values = { facts: Object };

  connect() {
    this.content ??= this.textTarget.textContent;
    this.watch = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.lay(), { rootMargin: NEAR });
    this.watch.observe(this.element);
    offerCopy(this.element, this.#toCopy);
    if (!this.hasMetricsTarget) return;
    this.metricsTarget.textContent = metricsLine({ ...this.factsValue, content: this.content, thinking: "" }).join(" · ");
  }

  disconnect() {
    this.watch.disconnect();
  }

  // Also for paper, where all of it is seen.
  lay() {
    if (this.isLaid || !this.content) return;
    this.isLaid = true;
    this.watch.disconnect();
    this.textTarget.classList.replace("raw", "prose-fr");
    new MarkdownView(this.textTarget, { french: isFrench() }).finish(this.content);
  }

  #toCopy = () => {
    this.lay();
    return { text: this.content, html: cleanHtml(this.textTarget), element: this.textTarget };
  };
}
