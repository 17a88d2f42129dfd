// The words that scripts show, in the page's language, as the server wrote them into the page.
let texts = {};
let plurals = new Intl.PluralRules("fr");
let ordinals = new Intl.PluralRules("fr", { type: "ordinal" });

export function loadTexts(dictionary, locale) {
  texts = dictionary;
  plurals = new Intl.PluralRules(locale);
  ordinals = new Intl.PluralRules(locale, { type: "ordinal" });
}

// A missing key shows itself rather than an empty place.
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// Picks `key_one` or `key_other` after the language's own rule (French: 0 and 1 are singular).
export const tn = (key, count, values = {}) => t(`${key}_${plurals.select(count) === "one" ? "one" : "other"}`, { n: count, ...values });

// What follows the figure of a rank: 1er, 2e; 1st, 2nd, 3rd, 4th.
export const ordinal = (rank) => t(`ordinal_${ordinals.select(rank)}`);
