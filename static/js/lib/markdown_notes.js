// Footnotes in Markdown: a reference may be shown long before its note is written, so both are only marked here.
import footnotes from "markdown-it-footnote";

// To the plugin every name is one that has a note.
const everyName = () => new Proxy({}, { get: () => -1, set: () => true });

export const notesOf = () => ({ refs: everyName() });

export function notes(markdown) {
  const { rules } = markdown.renderer;
  const { escapeHtml } = markdown.utils;
  markdown.use(footnotes);
  markdown.disable(["footnote_tail", "footnote_inline"]); // notes stay where they were written
  markdown.core.ruler.push("note_places", ({ tokens }) => tokens.forEach((token, index) => {
    if (token.type === "footnote_reference_open") token.map = tokens[index + 1].map;
  }));
  rules.footnote_ref = (tokens, index, options, { outline }) => {
    const name = tokens[index].meta.label;
    return `<sup data-note="${escapeHtml(name)}">${outline.number(name)}</sup>`;
  };
  rules.footnote_reference_open = (tokens, index, options, { outline }) => {
    const name = tokens[index].meta.label;
    return `<div class="note" data-note-text="${escapeHtml(name)}"><span class="note__number">${outline.number(name)}</span>`;
  };
  rules.footnote_reference_close = () => "</div>\n";
}
