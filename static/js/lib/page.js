// What the server has put into the chat page about the open conversation.
import { readTurns } from "./turns.js";

export function readPage() {
  const items = [...document.querySelectorAll("[data-model-picker-target=item]")];
  return {
    ...JSON.parse(document.getElementById("conversation").textContent),
    messages: readTurns(document.querySelector(".thread__inner")),
    models: items.map(({ dataset: { name, facts } }) => ({ name, ...JSON.parse(facts) })),
    typed: document.getElementById("message").value,
  };
}
