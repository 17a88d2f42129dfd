// What the person thinks of an answer, as its two buttons show it.
export function showRating(article, rating) {
  for (const [part, good] of [["good", true], ["bad", false]]) {
    article.querySelector(`[data-part=${part}]`).setAttribute("aria-pressed", String(rating?.good === good));
  }
}
