// Makes new turns from the page's own templates, the same markup as the history.
const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

export function newQuestion(content) {
  const article = clone("question-template");
  article.querySelector("[data-part=content]").textContent = content;
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
