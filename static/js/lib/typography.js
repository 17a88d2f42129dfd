// French spaces, apostrophes and ellipses in prose. It only mends what is there, so that other languages stay whole.
const NO_BREAK = "\u00A0";
const NARROW = "\u202F";
const UNITS = "%|€|°C|s|min|h|ms|j|Go|Mo|ko|kWh|Wh|kW|W|V|A|mm|cm|km|m|kg|g|t|L|l|kg/m²|m²|m³|mots|mots/s|tokens|pts";

const RULES = [
  [/(?<=\S) (?=[;!?»])/g, NARROW],
  [/(?<=\S) (?=:(?:\s|$))/g, NO_BREAK],
  [/« /g, `«${NARROW}`],
  [new RegExp(`(?<=\\d) (?=(?:${UNITS})(?![\\p{L}\\d]))`, "gu"), NARROW],
  [/(?<=\p{L})'(?=\p{L})/gu, "’"],
  [/(?<!\.)\.\.\.(?!\.)/g, "…"],
];
// Groups of three digits only, so that « en 2024 500 personnes » keeps two numbers.
const GROUPED = /(?<![\d,.])\d{1,3}(?: \d{3})+(?!\d)/g;

export function frenchSpaces(text) {
  const grouped = text.replace(GROUPED, (digits) => digits.replaceAll(" ", NARROW));
  return RULES.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), grouped);
}

// A piece that follows a bold word or a piece of code may begin with the space before its punctuation.
export function frenchSpacesAfter(text) {
  return frenchSpaces(`x${text}`).slice(1);
}
