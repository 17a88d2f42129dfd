// An address that was opened for one of the conversation's messages, or to be printed.
import { conversation } from "../conversation.js";
import { articleOf } from "./turns.js";

const MARKED = 2500; // ms

// Calls land(turn) or print() once the page has its size: in the frame after the next one. A message on another branch
// brings that branch first.
export async function followDeepLink({ land, print }) {
  const asked = new URLSearchParams(location.search);
  const id = Number(asked.get("message"));
  if (!id && !asked.has("print")) return;
  try {
    if (id && !find(id)) await conversation.showMessage(id);
    await nextFrame();
    await nextFrame();
    if (id) land(mark(articleOf(find(id))));
  } finally {
    history.replaceState(history.state, "", location.pathname);
  }
  if (asked.has("print")) print();
}

const nextFrame = () => new Promise(requestAnimationFrame);

const find = (id) => conversation.messages.find((message) => message.id === id);

function mark(turn) {
  turn.tabIndex = -1;
  turn.focus({ preventScroll: true });
  turn.classList.add("is-landed");
  setTimeout(() => turn.classList.remove("is-landed"), MARKED);
  return turn;
}
