// The placeholders of a prompt that are to be filled in, written {{so}}.
const PLACEHOLDER = /\{\{([^{}\n]{1,60})\}\}/g;

export const placeholdersOf = (text) =>
  [...text.matchAll(PLACEHOLDER)].map(({ index, 0: whole, 1: name }) => ({ name: name.trim(), start: index, end: index + whole.length }));

// The one after what is selected, or before it; none at the ends, where the focus may leave.
export function placeholderBeside(text, { start, end }, backwards = false) {
  const placeholders = placeholdersOf(text);
  return backwards ? placeholders.findLast((each) => each.end <= start) : placeholders.find((each) => each.start >= end);
}

export const placeholderAt = (text, caret) => placeholdersOf(text).find(({ start, end }) => start < caret && caret < end);
