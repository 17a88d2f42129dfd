// Files beside the question: chosen, dropped or pasted; a chip each with how far it is; what sending them will cost.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { openDialog } from "../lib/dialogs.js";
import { showThumbnail } from "../lib/document_chips.js";
import { costWords, stateWords } from "../lib/document_words.js";
import { listen } from "../lib/listen.js";
import { announce, toast } from "../lib/notices.js";
import { MOST_PICTURES, looksLikePicture } from "../lib/pictures.js";
import { t, tn } from "../lib/texts.js";

const LEFT = 600; // ms without a drag over the page: it has left the window

export default class extends Controller {
  static targets = ["text", "input", "list", "template", "cost", "blind", "blindText", "seeing"];

  connect() {
    const { draft } = conversation;
    this.chips = new Map(); // document → its chip
    this.waiting = null; // a question that was sent before its documents were ready
    this.listening = [
      listen(draft.documents, { list: () => this.#draw(), change: () => this.#draw() }),
      listen(draft, { libraries: () => this.#drawCost() }),
      listen(conversation, { choice: () => this.#drawCost(), reading: () => this.#draw() }),
    ];
    this.#draw();
  }

  disconnect() {
    this.listening.forEach((unlisten) => unlisten());
    clearTimeout(this.leaving);
  }

  choose() {
    this.inputTarget.click();
  }

  chosen() {
    this.#add([...this.inputTarget.files]);
    this.inputTarget.value = ""; // the same file can be chosen again
    this.textTarget.focus();
  }

  // A copied part of a page or a sheet brings a picture of itself too: it is text that is meant.
  pasted(event) {
    const { clipboardData: data } = event;
    if (event.defaultPrevented || !data?.files.length || data.getData("text/plain")) return;
    event.preventDefault();
    this.#add([...data.files]);
  }

  // Over the whole page: beside the conversation the browser would leave the page for the file.
  drag(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    const isHere = this.element.closest("main").contains(event.target);
    event.dataTransfer.dropEffect = isHere ? "copy" : "none";
    this.#showDrop(isHere);
  }

  drop(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#showDrop(false);
    if (!this.element.closest("main").contains(event.target)) return;
    this.#add(withoutFolders(event.dataTransfer));
    this.textTarget.focus();
  }

  // Before a question leaves: its documents are all there, or it waits for them, unless it is written on meanwhile.
  check(event) {
    const { documents, content } = conversation.draft;
    if (event.defaultPrevented || (documents.areReady && !conversation.isBlind)) return;
    event.preventDefault();
    if (conversation.isBlind) {
      toast(t("picture_unseen", { model: conversation.model }));
      return;
    }
    const failed = documents.all.find(({ state }) => state === "failed");
    const { name } = failed ?? documents.all.find(({ isReady }) => !isReady);
    this.waiting = failed ? null : content;
    toast(t(failed ? "document_failed_still" : "document_not_ready", { name }));
  }

  look({ currentTarget }) {
    const document = this.#documentOf(currentTarget);
    if (document.isReady) openDialog("reader", document.facts);
  }

  stop({ currentTarget }) {
    this.#documentOf(currentTarget).cancel();
  }

  retry({ currentTarget }) {
    this.#documentOf(currentTarget).retry();
  }

  remove({ currentTarget }) {
    const document = this.#documentOf(currentTarget);
    this.waiting = null; // the question was not to leave without it
    conversation.draft.removeDocument(document);
    announce(t("document_removed", { name: document.name }));
    this.textTarget.focus();
  }

  see() {
    conversation.choose(conversation.seeing.name);
    this.textTarget.focus();
  }

  reread() {
    conversation.draft.rereadDocuments();
  }

  #add(all) {
    const pictures = all.filter(looksLikePicture).slice(0, Math.max(0, MOST_PICTURES - conversation.draft.documents.pictures.length));
    const files = all.filter((file) => !looksLikePicture(file) || pictures.includes(file));
    if (files.length < all.length) toast(t("pictures_too_many"));
    const rest = conversation.draft.documents.add(files);
    if (rest.length) toast(tn("documents_too_many", rest.length));
  }

  #showDrop(isOver) {
    clearTimeout(this.leaving);
    this.element.classList.toggle("is-dropping", isOver);
    if (isOver) this.leaving = setTimeout(() => this.#showDrop(false), LEFT);
  }

  #draw() {
    const { all } = conversation.draft.documents;
    for (const [document, chip] of this.chips) {
      if (all.includes(document)) continue;
      chip.remove();
      this.chips.delete(document);
    }
    for (const document of all) this.#drawChip(document);
    this.listTarget.append(...all.map((document) => this.chips.get(document)).filter((chip) => !chip.isConnected));
    this.listTarget.hidden = !all.length;
    this.#drawCost();
    this.#sendWhatWaits();
  }

  #sendWhatWaits() {
    const { documents, content } = conversation.draft;
    if (documents.all.some(({ state }) => state === "failed")) this.waiting = null;
    if (!documents.areReady) return;
    const isWaiting = this.waiting === content;
    this.waiting = null;
    if (isWaiting) this.textTarget.form.requestSubmit();
  }

  #drawChip(document) {
    const chip = this.chips.get(document) ?? this.#newChip(document);
    const { state, progress, sent } = document;
    const isRead = state === "ready" && conversation.documentsAre === "warm";
    const isAt = `${state} ${isRead}`;
    const words = stateWords(document, { isRead });
    const part = (name) => chip.querySelector(`[data-part=${name}]`);
    part("state").textContent = words;
    part("bar").hidden = state !== "uploading" && state !== "extracting";
    part("bar").value = state === "uploading" ? sent : progress ? progress.done / progress.total : 0;
    part("look").disabled = state !== "ready";
    showThumbnail(chip, document);
    part("stop").hidden = state !== "extracting";
    part("retry").hidden = !document.canRetry;
    part("remove").hidden = state === "extracting";
    if (chip.dataset.at && chip.dataset.at !== isAt && (state === "ready" || state === "failed")) announce(`${document.name}, ${words}`);
    Object.assign(chip.dataset, { at: isAt, state, read: isRead });
  }

  #newChip(document) {
    const chip = this.templateTarget.content.firstElementChild.cloneNode(true);
    const { name } = document;
    chip.querySelector("[data-part=name]").textContent = name;
    chip.querySelector("[data-part=look]").title = name;
    for (const act of ["stop", "retry", "remove"]) {
      const button = chip.querySelector(`[data-part=${act}]`);
      button.ariaLabel = button.title = t(`document_${act}`, { name });
    }
    this.chips.set(document, chip);
    return chip;
  }

  #drawCost() {
    const { draft: { documents, libraries }, needsPassages, documentsAre, isBlind } = conversation;
    const { documentTokens, readingPace, imageTokens } = conversation.chosen;
    const count = documents.all.length;
    const isKnown = count + libraries.length > 0 && documents.areReady && !isBlind;
    this.#drawBlind(isBlind);
    this.costTarget.hidden = !isKnown;
    if (!isKnown) return;
    this.costTarget.textContent = costWords({
      tokens: documents.tokens(imageTokens), count, libraries: libraries.length, limit: documentTokens, pace: readingPace, reading: documentsAre,
      needsPassages, isPicture: count === documents.pictures.length,
    });
  }

  #drawBlind(isBlind) {
    const { model, seeing } = conversation;
    this.blindTarget.hidden = !isBlind;
    this.blindTextTarget.textContent = isBlind ? t("picture_unseen", { model }) : "";
    this.seeingTarget.hidden = !seeing;
    if (seeing) this.seeingTarget.textContent = t("picture_choose", { model: seeing.name });
  }

  #documentOf(button) {
    const chip = button.closest("li");
    return [...this.chips].find(([, each]) => each === chip)[0];
  }
}

// A browser cannot send a folder.
function withoutFolders({ files, items }) {
  const entries = [...items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry());
  const rest = [...files].filter((_, index) => !entries[index]?.isDirectory);
  if (rest.length < files.length) toast(t("documents_no_folder"));
  return rest;
}
