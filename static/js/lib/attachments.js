// Long texts beside a question: which are long, how big they are, and how they are sent, in fences after the text.
const CHARACTERS = 2000;
const LINES = 30;

export const countLines = (text) => text.split("\n").length;

export const isLong = (text) => text.length > CHARACTERS || countLines(text) > LINES;

// The fence is longer than any in the text, so that nothing in it can end it.
export function fenced(text) {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text.replace(/\n$/, "")}\n${fence}`;
}

export const withFiles = (text, files) => (files.length ? [text.trimEnd(), ...files.map(fenced)].filter(Boolean).join("\n\n") : text);
