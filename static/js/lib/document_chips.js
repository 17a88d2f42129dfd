// The documents that a question was asked with, above its words: each opens in the reader.
import { lengthWords, takenWords } from "./document_words.js";
import { isPicture } from "./pictures.js";
import { clone } from "./templates.js";

// In the place of the names that the history comes with.
export function showDocuments(article, { documents, passages }) {
  article.querySelector("[data-part=documents]")?.remove();
  if (!documents.length) return;
  const list = clone("question-documents");
  const row = list.querySelector("template").content;
  for (const document of documents) {
    const chip = row.cloneNode(true);
    const button = chip.querySelector("button");
    button.dataset.document = JSON.stringify(document);
    chip.querySelector("[data-part=name]").textContent = document.name;
    showThumbnail(chip, document);
    chip.querySelector("[data-part=size]").textContent = sizeWords(document, passages);
    list.append(chip);
  }
  article.querySelector("[data-part=content]").before(list);
}

// A picture stands in the place of the sign for a document, once the server has it.
export function showThumbnail(chip, document) {
  const thumbnail = chip.querySelector("[data-part=picture]");
  if (!thumbnail.hidden || !isPicture(document)) return;
  thumbnail.src = pictureUrl(document);
  thumbnail.hidden = false;
}

export const pictureUrl = ({ id }) => `/api/files/${id}/picture`;

// Of a long one, where the passages stand that went with the question.
function sizeWords(document, passages) {
  const pages = new Set(passages.filter(({ file_id: file }) => file === document.id).map(({ page }) => page));
  if (!pages.size) return passages.length ? "" : lengthWords(document);
  return takenWords(document, [...pages].sort((one, other) => one - other));
}
