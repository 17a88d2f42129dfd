// Makes new turns from the page's own templates, and gives the history's turns what only scripts need.
import { fold } from "couach/lib/fold";
import { clone } from "couach/lib/templates";
import { setVersions, showVersions } from "couach/lib/versions";

export function newQuestion(content) {
  const article = clone("question-template");
  article.querySelector("[data-part=content]").textContent = content;
  article.append(clone("question-foot"));
  fold(article);
  return article;
}

// A message as the server tells it, in the state in which the history's turns come.
export function turnOf(message) {
  const article = message.role === "user" ? newQuestion(message.content) : pastAnswer(message);
  article.dataset.messageId = message.id;
  setVersions(article, message.siblings);
  if (message.edited_at) article.querySelector("[data-part=edited]").hidden = false;
  return article;
}

function pastAnswer({ content, thinking, ...facts }) {
  const article = clone("answer-template");
  article.removeAttribute("data-controller");
  article.dataset.past = "";
  article.dataset.answerMessageValue = JSON.stringify(facts);
  article.querySelector("[data-part=text]").textContent = content;
  article.querySelector("[data-part=thinking-text]").textContent = thinking;
  return article;
}

// request: what starts the run, { url, body, repeatable }; the answer's controller sends it as soon as it is on the page.
export function newAnswer({ model, think, request }) {
  const article = clone("answer-template");
  const message = { id: null, model, think, status: "queued", content: "", thinking: "" };
  article.setAttribute("data-answer-message-value", JSON.stringify(message));
  article.setAttribute("data-answer-request-value", JSON.stringify(request));
  return article;
}

// The article stays the same node: whoever keeps a place or the focus in it loses nothing. All else changes in one step,
// because every controller around it looks at each node that comes and goes.
export function complete(article) {
  const whole = clone("answer-template");
  const old = article.firstElementChild;
  for (const name of ["text", "thinking-text"]) {
    const part = `[data-part="${name}"]`;
    whole.querySelector(part).textContent = old.querySelector(part)?.textContent ?? "";
  }
  old.replaceWith(whole.firstElementChild);
  article.removeAttribute("data-past");
  for (const { name, value } of whole.attributes) if (!article.hasAttribute(name)) article.setAttribute(name, value);
  showVersions(article);
  completeQuestion(article.previousElementSibling);
}

function completeQuestion(article) {
  if (!article?.matches(".turn--question") || article.querySelector(".question__foot")) return;
  article.append(clone("question-foot"));
  showVersions(article);
}
