// Pictures beside a question: made small before they are sent, counted for the chosen model, one a question, seen or not.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Conversation } from "../../static/js/conversation.js";
import { costWords, lengthWords, stateWords } from "../../static/js/lib/document_words.js";
import { Documents } from "../../static/js/lib/documents.js";
import { setLocale } from "../../static/js/lib/format.js";
import { looksLikePicture, pictureName, tokensOf } from "../../static/js/lib/pictures.js";
import { RunState } from "../../static/js/lib/run_state.js";
import { loadTexts } from "../../static/js/lib/texts.js";

const PICTURE = { id: "p1", name: "photo.jpg", kind: "image", size: 9, pages: 0, tokens: 1024, state: "ready" };
const NOTE = { id: "n1", name: "note.txt", kind: "text", size: 9, pages: 1, tokens: 100, state: "ready" };
const [SEES, BLIND] = [{ name: "gemma3", imageTokens: 256, documentTokens: 2252 }, { name: "phi3", imageTokens: 0, documentTokens: 300 }];

before(() => {
  setLocale("fr");
  loadTexts({
    document_tokens_other: "{n} jetons", document_cost: "{tokens}, environ {time}", picture: "Image", picture_seen: "Image lue",
    picture_whole: "Sera lue : {cost}", picture_reading: "Est lue : {cost}", picture_read: "Déjà lue : {tokens}",
  }, "fr");
});

test("a photo and a screenshot are pictures, a drawing of lines and a document are not", () => {
  const types = ["image/jpeg", "image/heic", "image/svg+xml", "application/pdf", ""];
  assert.deepEqual(types.map((type) => looksLikePicture({ type })), [true, true, false, false, false]);
  assert.deepEqual(["photo.du quai.HEIC", "sans", ".png"].map(pictureName), ["photo.du quai.jpg", "sans.jpg", "image.jpg"]);
});

test("a picture is made small, a document goes as it is", async () => {
  const sent = [];
  const io = {
    request: async () => null,
    upload: (url, form) => { sent.push(form.get("file").name); return new Promise(() => {}); },
    shrunk: async (file) => new File(["small"], `small ${file.name}`),
    sleep: () => Promise.resolve(),
  };
  const documents = new Documents([], io);
  documents.add([new File(["large"], "photo.png", { type: "image/png" }), new File(["text"], "note.txt", { type: "text/plain" })]);
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual(sent.toSorted(), ["note.txt", "small photo.png"]);
  assert.deepEqual(documents.all.map(({ name, isPicture }) => [name, isPicture]), [["photo.jpg", true], ["note.txt", false]]);
  assert.equal(documents.pictures.length, 1);
});

test("what a picture costs is the model's", () => {
  assert.equal(tokensOf([PICTURE, NOTE], 256), 356);
  assert.equal(tokensOf([PICTURE, NOTE]), 100);
  assert.equal(lengthWords(PICTURE), "Image");
  assert.equal(stateWords(PICTURE, { isRead: true }), "Image lue");
  const cost = { tokens: 256, count: 1, limit: 2252, pace: 32, reading: "", needsPassages: false, isPicture: true };
  assert.equal(costWords(cost), "Sera lue : 256 jetons, environ 8\u202fs");
  assert.equal(costWords({ ...cost, reading: "reading" }), "Est lue : 256 jetons, environ 8\u202fs");
  assert.equal(costWords({ ...cost, reading: "warm" }), "Déjà lue : 256 jetons");
});

test("a model that sees nothing is told of, and the one that sees in the least time", () => {
  const kept = { files: [], documents: [], libraries: [] };
  const store = { read: () => "", beside: () => kept, write: () => true, clear: () => {} };
  const conversation = new Conversation();
  const slow = { ...SEES, name: "qwen", imageTokens: 1024 };
  conversation.open({ model: "phi3", models: [BLIND, slow, SEES] }, store);
  const { documents } = conversation.draft;
  Object.defineProperty(documents, "all", { value: [{ ...PICTURE, isPicture: true }] });
  assert.deepEqual([conversation.isBlind, conversation.seeing.name, conversation.needsPassages], [true, "gemma3", false]);
  conversation.choose("gemma3");
  assert.equal(conversation.isBlind, false);
});

test("pictures that the model did not get are told apart from messages that are no longer read", () => {
  const state = new RunState({ id: 4, status: "running" });
  state.apply("context", { left_out: 0, first_read: null, unread: ["photo.jpg"] });
  assert.deepEqual(state.leftOut, { count: 0, first_read: null, unread: ["photo.jpg"] });
});
