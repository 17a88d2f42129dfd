// The turns on the page are one branch of the conversation's tree: it is cut, mended, and exchanged for another one.
import { complete, turnOf } from "couach/lib/turns";
import { setVersions } from "couach/lib/versions";

const AT_ONCE = 3; // turns completed before anything is painted; the others as the history's are

const turnsIn = (list) => [...list.querySelectorAll(":scope > .turn")];

export const questionOf = (article) => {
  let place = article;
  while (place && !place.matches(".turn--question")) place = place.previousElementSibling;
  return place;
};

// The message that a question follows; null for the first one of all.
export function parentOf(question) {
  const turns = turnsIn(question.parentElement);
  const before = turns[turns.indexOf(question) - 1];
  return before ? Number(before.dataset.messageId) : null;
}

// Takes a turn and all that follows off the page; returns how to put it back.
export function cutFrom(article) {
  const list = article.parentElement;
  const nodes = [...list.children].slice([...list.children].indexOf(article));
  nodes.forEach((node) => node.remove());
  return () => list.append(...nodes);
}

// Shows the messages of another branch; what both have stays as it is. Returns the first turn that is new, if there is one.
export function showBranch(list, messages) {
  const shown = turnsIn(list);
  let same = 0;
  while (same < messages.length && shown[same]?.dataset.messageId === String(messages[same].id)) {
    setVersions(shown[same], messages[same].siblings);
    same += 1;
  }
  shown.slice(same).forEach((turn) => turn.remove());
  list.querySelector(".left-out")?.remove();
  const fresh = messages.slice(same).map(turnOf);
  list.append(...fresh);
  fresh.slice(0, AT_ONCE).filter((turn) => turn.matches("[data-past]")).forEach(complete);
  return fresh[0];
}
