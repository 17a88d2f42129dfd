// What the person thinks of an answer, as its two buttons show it.
export const ratingOf = (article) => (article.dataset.rating ? { good: article.dataset.rating === "good" } : null);

export function showRating(article, rating) {
  if (rating) article.dataset.rating = rating.good ? "good" : "bad";
  else delete article.dataset.rating;
  for (const name of ["good", "bad"]) {
    article.querySelector(`[data-part=${name}]`).setAttribute("aria-pressed", String(article.dataset.rating === name));
  }
}
