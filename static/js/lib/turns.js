// Makes new turns from the page's own templates, and gives the history's answers what only scripts need.
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
}
