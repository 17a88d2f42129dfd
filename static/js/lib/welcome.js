// The page of an empty conversation: greets by the time of day, and offers libraries to ask and prompts to begin with.
import { t } from "./texts.js";
import { wallClock } from "./wall_clock.js";

export function welcome(conversation) {
  greet(document.querySelector(".welcome"));
  document.querySelector(".suggestions").addEventListener("click", ({ target }) => {
    const suggestion = target.closest("[data-prompt]");
    if (suggestion) conversation.draft.fill(suggestion.dataset.prompt); // it does not send
  });
  document.querySelector(".libraries")?.addEventListener("click", ({ target }) => {
    const library = target.closest("[data-library]");
    if (library) conversation.draft.ask(JSON.parse(library.dataset.library));
  });
}

function greet(greeting) {
  const hour = wallClock(Date.now()).getUTCHours();
  const moment = hour < 5 || hour >= 18 ? "evening" : hour < 12 ? "morning" : "afternoon";
  const hello = t(moment === "evening" ? "good_evening" : "good_day", { name: greeting.dataset.name });
  greeting.querySelector("[data-part=hello]").textContent = hello;
  const question = greeting.querySelector("[data-part=question]"); // the company may have words of its own there
  if (question) question.textContent = t(`start_${moment}`);
}
