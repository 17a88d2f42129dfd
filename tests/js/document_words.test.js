// What is said of documents: how long, how far, what they cost.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { citedIn } from "../../static/js/lib/citations.js";
import { costWords, lengthWords, placeWords, stateWords, takenWords } from "../../static/js/lib/document_words.js";
import { setLocale } from "../../static/js/lib/format.js";
import { marksInPage, within } from "../../static/js/lib/marks.js";
import { loadTexts } from "../../static/js/lib/texts.js";

before(() => {
  setLocale("fr");
  loadTexts({
    document_tokens_one: "{n} jeton", document_tokens_other: "{n} jetons", document_pages_other: "{n} pages", document_parts_other: "{n} parties",
    document_place_slides: "Diapositive {n}", document_uploading: "Envoi {share}", document_waiting: "En attente",
    document_progress: "page {done} sur {total}", document_read: "Lu", document_cost: "{tokens}, environ {time} de lecture",
    library_passages_one: "Des extraits", documents_whole_one: "Entier : {cost}", documents_reading_one: "Commencé : {cost}", document_passages_pages_other: "extraits des pages {pages}", documents_read_one: "Déjà lu : {tokens}", documents_too_long_other: "Trop longs : {tokens}, {limit} au plus",
  }, "fr");
});

test("the length, in the unit of the kind", () => {
  assert.equal(lengthWords({ kind: "pdf", pages: 12, tokens: 1800 }), "12 pages · 1\u202f800 jetons");
  assert.equal(lengthWords({ kind: "docx", pages: 3, tokens: 1 }), "3 parties · 1 jeton");
  assert.equal(lengthWords({ kind: "pdf", pages: 1, tokens: 40 }), "40 jetons");
  assert.equal(takenWords({ kind: "pdf" }, [3, 1204]), "extraits des pages 3, 1204");
  assert.equal(placeWords({ kind: "pptx" }, { number: 3, title: "Coque" }), "Diapositive 3 · Coque");
});

test("the state, from the first byte to what the model knows", () => {
  assert.equal(stateWords({ state: "uploading", sent: 0.42 }), "Envoi 42\u202f%");
  assert.equal(stateWords({ state: "uploading", sent: 1 }), "En attente");
  assert.equal(stateWords({ state: "extracting", progress: null }), "En attente");
  assert.equal(stateWords({ state: "extracting", progress: { done: 12, total: 40 } }), "page 12 sur 40");
  assert.equal(stateWords({ state: "ready", kind: "pdf", pages: 1, tokens: 40 }, { isRead: true }), "Lu");
  assert.equal(stateWords({ state: "failed", error: { message: "Chiffré." } }), "Chiffré.");
});

test("the cost, at the pace of the chosen model where it is known", () => {
  const cost = { tokens: 1800, count: 1, limit: 2252, pace: 45, reading: "", needsPassages: false };
  assert.equal(costWords(cost), "Entier : 1\u202f800 jetons, environ 40\u202fs de lecture");
  assert.equal(costWords({ ...cost, libraries: 1, needsPassages: true }), "Des extraits");
  assert.equal(costWords({ ...cost, reading: "reading" }), "Commencé : 1\u202f800 jetons, environ 40\u202fs de lecture");
  assert.equal(costWords({ ...cost, pace: null }), "Entier : 1\u202f800 jetons");
  assert.equal(costWords({ ...cost, reading: "warm" }), "Déjà lu : 1\u202f800 jetons");
  assert.equal(costWords({ ...cost, count: 2, tokens: 9000, needsPassages: true }), "Trop longs : 9\u202f000 jetons, 2\u202f252 au plus");
});

test("the marks of a passage are moved to where it stands in its page", () => {
  const passage = { text: "pompe de cale", marks: [[0, 5], [9, 13]] };
  assert.deepEqual(marksInPage("La pompe de cale.", passage), [[3, 8], [12, 16]]);
  assert.deepEqual(marksInPage("Autre chose.", passage), []);
  assert.deepEqual(within([[2, 4], [5, 12], [14, 16]], 3, 10), [[0, 1], [2, 7]]);
});

test("which passages a citation names", () => {
  assert.deepEqual(["[1]", "[1, 3]", "[2-4]", "[1 et 2]", "[ 3 ]"].map(citedIn), [[1], [1, 3], [2, 3, 4], [1, 2], [3]]);
});
