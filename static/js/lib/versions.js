// The versions of a question or an answer: which one stands here, and the control that leads to its neighbours.
import { clone } from "./templates.js";

export const versionsOf = (article) => (article.dataset.versions ?? article.dataset.messageId).split(" ");

const placeOf = (article) => versionsOf(article).indexOf(article.dataset.messageId);

export function setVersions(article, ids, locked) {
  if (ids.length > 1) article.dataset.versions = ids.join(" ");
  else delete article.dataset.versions;
  showVersions(article, locked);
}

// Without a foot the turn is not complete yet: its versions come with it.
export function showVersions(article, locked) {
  const count = versionsOf(article).length;
  const foot = article.querySelector(".question__foot, .answer__foot");
  const shown = article.querySelector(".versions");
  if (count < 2) shown?.remove();
  if (count < 2 || !foot) return;
  const control = shown ?? foot.insertBefore(clone("versions"), foot.querySelector("[data-part=metrics]"));
  const place = placeOf(article);
  control.querySelector("[data-part=place]").textContent = `${place + 1} / ${count}`;
  control.querySelector("[data-part=earlier]").disabled = locked || place === 0;
  control.querySelector("[data-part=later]").disabled = locked || place === count - 1;
}
