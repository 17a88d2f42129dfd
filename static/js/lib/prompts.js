// Finds prompts by what is typed after the «/»: without regard to case and accents, names before descriptions.
const plain = (text) =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae").trim();

export function matching(prompts, query) {
  const wanted = plain(query);
  const rank = ({ name, detail }) => {
    const words = plain(name);
    if (words.startsWith(wanted)) return 0;
    if (words.includes(wanted)) return 1;
    return plain(detail).includes(wanted) ? 2 : null;
  };
  return prompts
    .map((prompt) => ({ prompt, rank: rank(prompt) }))
    .filter((found) => found.rank !== null)
    .sort((one, other) => one.rank - other.rank) // the order within a rank stays
    .map(({ prompt }) => prompt);
}

// What stands between a «/» that begins the message and the caret; null where nothing is looked for.
export function queryOf(text, caret) {
  const found = /^\/([^\n]{0,40})$/.exec(text.slice(0, caret));
  return found && found[1];
}
