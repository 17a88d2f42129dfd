// What the rules for blocks of Markdown ask of the lines: markdown-it's state has them as places in the text.

// A line's words, without the indentation and the marks of the quote or list around it.
export const lineOf = (state, line) => state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]);

// Indented that far, a line is code and begins nothing else.
export const isCode = (state, line) => state.sCount[line] - state.blkIndent >= 4;
