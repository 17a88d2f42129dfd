// What began an answer on this page, until the server has it: its question, and how to take both back if it refuses.
export const begun = new WeakMap(); // answer → { question, undo, ofComposer }
