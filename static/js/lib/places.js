// The places of a prompt that are to be filled in, written {{so}}.
const PLACE = /\{\{([^{}\n]{1,60})\}\}/g;

export const placesOf = (text) =>
  [...text.matchAll(PLACE)].map(({ index, 0: whole, 1: name }) => ({ name: name.trim(), start: index, end: index + whole.length }));

// The place after what is selected, or before it; none at the ends, where the focus may leave.
export function placeBeside(text, { start, end }, backwards = false) {
  const places = placesOf(text);
  return backwards ? places.findLast((place) => place.end <= start) : places.find((place) => place.start >= end);
}

export const placeAt = (text, caret) => placesOf(text).find(({ start, end }) => start < caret && caret < end);
