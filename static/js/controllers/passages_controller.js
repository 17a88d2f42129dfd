// Documents too long to be read whole, and libraries: shows the passages that fit the question best, without the model; the
// person chooses those that go with the question, or has the whole of the documents read later.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { openDialog } from "../lib/dialogs.js";
import { placeWords, tokensWords } from "../lib/document_words.js";
import { estimate, number } from "../lib/format.js";
import { request, wordsInAddress } from "../lib/http.js";
import { listen } from "../lib/listen.js";
import { documentText } from "../lib/marks.js";
import { focusMessageBox } from "../lib/message_box.js";
import { announce } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { withoutTwins } from "../lib/queued_message.js";
import { t, tn } from "../lib/texts.js";

const SHOWN = 4;
const MOST = 900; // tokens that the server takes with one question
const MOST_WHOLE = 400_000; // tokens that it reads part by part
const WITH_NOTES = 1.5; // what that takes, for each second of reading: notes are written, too

export default class extends Controller {
  static targets = ["panel", "title", "note", "list", "template", "taken", "ask", "other", "whole", "wholeWords"];

  connect() {
    this.found = [];
    this.listening = [
      listen(conversation, { choice: () => this.#review(), activity: () => this.#review() }),
      listen(conversation.draft.documents, { list: () => this.#review() }),
      listen(conversation.queued, { change: () => this.#review() }),
      listen(conversation.draft, { libraries: () => this.#hide() }),
    ];
  }

  disconnect() {
    this.listening.forEach((unlisten) => unlisten());
    this.asking?.abort();
  }

  // A question is about to leave. Sent again in the same words, it leaves with what is chosen.
  offer(event) {
    if (event.defaultPrevented || !conversation.needsPassages) return;
    event.preventDefault();
    const { content } = conversation.draft;
    if (this.panelTarget.hidden || content !== this.question) this.#find(content);
    else if (!this.askTarget.hidden && !this.askTarget.disabled) this.#ask();
  }

  ask(event) {
    event.preventDefault();
    this.#ask();
  }

  // Later, part by part; the documents then leave with the question.
  read({ params: { when: whole } }) {
    this.#send({ whole });
  }

  // A question that waits goes together with this one.
  count() {
    const waiting = conversation.queued.passages;
    const taken = withoutTwins([...waiting, ...this.#chosen]).reduce((sum, { tokens }) => sum + tokens, 0);
    const isTooMuch = taken > MOST;
    const words = { tokens: number(taken), limit: number(MOST) };
    this.takenTarget.textContent = isTooMuch ? t(waiting.length ? "passages_too_much_waiting" : "passages_too_much", words) : tokensWords(taken);
    this.takenTarget.classList.toggle("is-refused", isTooMuch);
    this.askTarget.disabled = !this.#chosen.length || isTooMuch;
  }

  open({ currentTarget }) {
    const { file_id: id, name, page, text } = this.#passageOf(currentTarget);
    openDialog("reader", { id, name, page, text });
  }

  // A model of which the Labo has shown that it can.
  change() {
    conversation.choose(this.other);
  }

  close(event) {
    event?.preventDefault(); // Escape here does not also stop the answer
    this.#hide();
    focusMessageBox();
  }

  async #find(question) {
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    const { documents, libraries } = conversation.draft;
    const places = { files: idsOf(documents.all), libraries: idsOf(libraries) };
    const query = new URLSearchParams({ ...places, q: wordsInAddress(question), limit: SHOWN });
    try {
      const { passages } = await request(`/api/passages?${query}`, { signal: asking.signal });
      this.#show(question, passages);
    } catch (error) {
      if (error.name !== "AbortError") this.#show(question, [], sentence(error));
    }
  }

  #show(question, passages, problem = "") {
    Object.assign(this, { question, found: passages, problem });
    this.titleTarget.textContent = passages.length ? tn("passages_found", passages.length) : t("passages_nothing");
    this.listTarget.replaceChildren(...passages.map((passage) => this.#row(passage)));
    this.panelTarget.hidden = false;
    this.#offerModel();
    this.titleTarget.focus();
    announce(problem || this.titleTarget.textContent);
  }

  // Which model may answer is known of each.
  #offerModel() {
    const { chosen, models, model } = conversation;
    const mayAnswer = chosen.proven !== false;
    this.other = mayAnswer ? "" : models.find(({ proven }) => proven)?.name ?? "";
    this.askTarget.hidden = !mayAnswer || !this.found.length;
    this.takenTarget.hidden = this.askTarget.hidden;
    this.otherTarget.hidden = !this.other || !this.found.length;
    this.otherTarget.textContent = t("passages_other", { model: this.other });
    this.noteTarget.textContent = this.problem || (this.found.length ? t(mayAnswer ? "passages_choose" : "passages_unproven", { model }) : t("passages_none"));
    for (const box of this.listTarget.querySelectorAll("input")) box.hidden = !mayAnswer;
    this.#offerWhole(mayAnswer);
    this.count();
  }

  #offerWhole(mayAnswer) {
    const { documents: { all }, libraries } = conversation.draft;
    const tokens = conversation.draft.documents.tokens();
    const { readingPace: pace } = conversation.chosen;
    this.wholeTarget.hidden = !mayAnswer || conversation.isBusy || libraries.length > 0 || tokens > MOST_WHOLE || Boolean(this.problem);
    const time = pace && estimate((tokens / pace) * WITH_NOTES);
    this.wholeWordsTarget.textContent = time ? tn("whole_read_time", all.length, { time }) : tn("whole_read", all.length);
  }

  #review() {
    if (this.panelTarget.hidden) return;
    if (conversation.needsPassages) this.#offerModel();
    else this.#hide();
  }

  #row(passage) {
    const { name, page: place, title, kind, text, marks } = passage;
    const row = this.templateTarget.content.firstElementChild.cloneNode(true);
    row.querySelector("[data-part=place]").textContent = placeWords({ kind }, { number: place, title });
    row.querySelector("[data-part=name]").textContent = name;
    row.querySelector("[data-part=text]").append(...documentText(text, marks));
    row.querySelector("[data-part=open]").ariaLabel = t("passages_open", { place: placeWords({ kind }, { number: place }), name });
    return row;
  }

  // The documents stay for the next question: of a long one it needs other passages.
  #ask() {
    const passages = this.#chosen.map((passage, index) => ({ ...passage, number: index + 1 }));
    conversation.draft.documents.giveBack(this.#send({ passages }));
  }

  // Returns the documents that have left; those of libraries go with their passages.
  #send({ passages = [], ...more }) {
    const { documents, ...draft } = conversation.draft.take();
    this.#hide();
    conversation.send({ ...draft, ...more, documents: [...documents, ...sharedOf(passages, documents)], passages });
    focusMessageBox();
    return documents;
  }

  #hide() {
    this.asking?.abort();
    this.panelTarget.hidden = true;
  }

  get #chosen() {
    const boxes = [...this.listTarget.querySelectorAll("input")];
    return this.found.filter((_, index) => boxes[index].checked);
  }

  #passageOf(button) {
    return this.found[[...this.listTarget.children].indexOf(button.closest("li"))];
  }
}

const idsOf = (things) => things.map(({ id }) => id).join(",");

// The documents of libraries that these passages are of.
function sharedOf(passages, documents) {
  const own = new Set(documents.map(({ id }) => id));
  const shared = passages.filter(({ file_id: id }) => !own.has(id)).map(({ file_id: id, name, kind }) => [id, { id, name, kind, isShared: true }]);
  return [...new Map(shared).values()];
}
