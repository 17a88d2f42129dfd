// The articles of messages: those of the history are read, new ones are made from the page's own templates.
import { conversation, messageFrom } from "../conversation.js";
import { offerCopy } from "./copy_source.js";
import { showDocuments } from "./document_chips.js";
import { fold } from "./fold.js";
import { clone } from "./templates.js";
import { setVersions, showVersions, versionsOf } from "./versions.js";

const messages = new WeakMap(); // article → message
const articles = new WeakMap(); // message → article

// The message whose article this is, or is in.
export const messageOf = (place) => messages.get(place.closest(".turn"));

export const articleOf = (message) => articles.get(message);

export const turnsIn = (list) => [...list.querySelectorAll(":scope > .turn")];

// The messages that came with the page.
export function readTurns(list) {
  return turnsIn(list).map((article) => {
    const facts = article.matches(".answer") ? answerFacts(article) : questionFacts(article);
    return bind(article, messageFrom({ ...facts, siblings: versionsOf(article).map(Number) }));
  });
}

function questionFacts(article) {
  const { messageId, attached = "{}" } = article.dataset;
  return { role: "user", id: Number(messageId), content: text(article, "content"), ...JSON.parse(attached) };
}

function answerFacts(article) {
  const texts = { content: text(article, "text"), thinking: text(article, "thinking-text") };
  return { ...JSON.parse(article.dataset.facts), role: "assistant", ...texts };
}

const text = (article, part) => article.querySelector(`[data-part="${part}"]`)?.textContent ?? "";

// A message's article: an answer that is over comes as those of the history, to be completed.
export function newTurn(message) {
  const article = message.role === "user" ? newQuestion(message) : clone("answer-template");
  if (message.run && !message.run.state.active) makePast(article, message.run.state);
  bind(article, message);
  numberTurn(article, message);
  return article;
}

function newQuestion({ content, editedAt }) {
  const article = clone("question-template");
  article.querySelector("[data-part=content]").textContent = content;
  article.querySelector("[data-part=edited]").hidden = !editedAt;
  article.append(clone("question-foot"));
  fold(article);
  return article;
}

function makePast(article, { content }) {
  article.removeAttribute("data-controller");
  article.dataset.past = "";
  article.querySelector("[data-part=text]").textContent = content;
}

// Its id and its versions, once the server has told them.
export function numberTurn(article, { id, siblings }) {
  const shown = id === null ? "" : String(id);
  const versions = siblings.length > 1 ? siblings.join(" ") : undefined;
  if (article.dataset.messageId === shown && article.dataset.versions === versions) return;
  article.dataset.messageId = shown;
  setVersions(article, siblings, conversation.isBusy);
}

function bind(article, message) {
  messages.set(article, message);
  articles.set(message, article);
  if (message.role === "user") {
    showDocuments(article, message);
    offerCopy(article, () => ({ text: message.content, element: article }));
  }
  return message;
}

// The article stays the same node: whoever keeps a place or the focus in it loses nothing. All else changes in one step,
// because every controller around it looks at each node that comes and goes. The answer's controller shows the text.
export function completeTurn(article) {
  const whole = clone("answer-template");
  article.firstElementChild.replaceWith(whole.firstElementChild);
  article.removeAttribute("data-past");
  for (const { name, value } of whole.attributes) if (!article.hasAttribute(name)) article.setAttribute(name, value);
  showVersions(article, conversation.isBusy);
  completeQuestion(article.previousElementSibling);
}

function completeQuestion(article) {
  if (!article?.matches(".turn--question") || article.querySelector(".question__foot")) return;
  article.append(clone("question-foot"));
  showVersions(article, conversation.isBusy);
}
