// What is said of documents: how long they are, how far they are, what reading them costs.
import { estimate, number, percent } from "./format.js";
import { isPicture } from "./pictures.js";
import { t, tn } from "./texts.js";

const UNITS = { pdf: "pages", pptx: "slides" }; // other kinds have no pages of their own: their text comes in parts

const unitOf = ({ kind }) => UNITS[kind] ?? "parts";

export const tokensWords = (tokens) => tn("document_tokens", tokens, { n: number(tokens) });

// 12 pages, 1 800 tokens; of a single page only the tokens. What a picture costs depends on the model.
export function lengthWords({ kind, pages, tokens }) {
  if (isPicture({ kind })) return t("picture");
  const length = pages > 1 ? tn(`document_${unitOf({ kind })}`, pages, { n: number(pages) }) : "";
  return [length, tokensWords(tokens)].filter(Boolean).join(" · ");
}

// Page 3, Slide 3, Part 3; with its own title where it has one.
export function placeWords({ kind }, { number: place, title = "" }) {
  const words = t(`document_place_${unitOf({ kind })}`, { n: place });
  return title ? `${words} · ${title}` : words;
}

// Passages of pages 3, 12.
export const takenWords = (document, pages) =>
  tn(`document_passages_${unitOf(document)}`, pages.length, { pages: pages.join(", ") });

// isRead: the model has it already.
export function stateWords(document, { isRead = false } = {}) {
  const { state, sent, progress, error } = document;
  if (state === "failed") return error?.message ?? "";
  if (state === "ready") return isRead ? t(isPicture(document) ? "picture_seen" : "document_read") : lengthWords(document);
  if (state === "uploading" && sent < 1) return t("document_uploading", { share: percent(sent) });
  if (!progress) return t("document_waiting");
  return t("document_progress", { done: number(progress.done), total: number(progress.total) });
}

// What sending them will cost, for the chosen model: its pace in tokens a second may not be known yet.
// reading: "reading" or "warm" where it has begun to read them, or has; isPicture: they are one picture.
export function costWords({ tokens, count, libraries = 0, limit, pace, reading, needsPassages, isPicture: isOne = false }) {
  if (libraries) return tn("library_passages", libraries);
  const say = (what, words) => (isOne ? t(`picture_${what}`, words) : tn(`documents_${what}`, count, words));
  if (needsPassages) return tn("documents_too_long", count, { tokens: tokensWords(tokens), limit: number(limit) });
  if (reading === "warm") return say("read", { tokens: tokensWords(tokens) });
  const cost = pace ? t("document_cost", { tokens: tokensWords(tokens), time: estimate(tokens / pace) }) : tokensWords(tokens);
  return say(reading ? "reading" : "whole", { cost });
}
