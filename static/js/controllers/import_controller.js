// Sends files of conversations to the server one after another, and says what came of them.
import { Controller } from "@hotwired/stimulus";
import { postFile } from "../lib/http.js";
import { sentence } from "../lib/problems.js";
import { t, tn } from "../lib/texts.js";

export default class extends Controller {
  static targets = ["file", "button", "outcome"];

  async send(event) {
    event.preventDefault();
    const files = [...this.fileTarget.files];
    if (!files.length) return;
    this.buttonTarget.disabled = true;
    const told = [];
    for (const [place, file] of files.entries()) {
      const reading = files.length > 1 ? t("import_reading_one_of", { n: place + 1, all: files.length }) : t("import_reading");
      this.outcomeTarget.replaceChildren(...told, paragraph(reading));
      told.push(await this.#outcome(file, files.length > 1));
    }
    this.outcomeTarget.replaceChildren(...told);
    if (!this.outcomeTarget.querySelector(".is-refused")) event.target.reset();
    this.buttonTarget.disabled = false;
  }

  // What is said of one file; `named`: with its name, because there are others.
  async #outcome(file, named) {
    const said = (words) => paragraph(named ? t("import_of_file", { file: file.name, words }) : words);
    try {
      const { conversations, left_out: leftOut } = await postFile("/import", file);
      const made = document.createElement("div");
      made.append(said(tn("import_done", conversations)));
      if (leftOut.length) made.append(paragraph(t("import_left_out")), list(leftOut));
      return made;
    } catch (error) {
      const refused = said(sentence(error));
      refused.classList.add("is-refused");
      return refused;
    }
  }
}

function paragraph(words) {
  const made = document.createElement("p");
  made.textContent = words;
  return made;
}

function list(lines) {
  const made = document.createElement("ul");
  for (const line of lines) made.append(Object.assign(document.createElement("li"), { textContent: line }));
  return made;
}
