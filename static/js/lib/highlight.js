// Colours code: the highlighter is fetched with the first block that asks for it, so that the page is light.

// Maps, and not plain objects: the words looked up come from answers, and "constructor" is no language.
// What people read at the block's head, and the end of the file's name.
const LANGUAGES = new Map(Object.entries({
  bash: ["Bash", "sh"], c: ["C", "c"], cpp: ["C++", "cpp"], csharp: ["C#", "cs"], css: ["CSS", "css"], diff: ["Diff", "patch"],
  html: ["HTML", "html"], ini: ["INI", "ini"], java: ["Java", "java"], javascript: ["JavaScript", "js"], json: ["JSON", "json"],
  jsx: ["JSX", "jsx"], markdown: ["Markdown", "md"], php: ["PHP", "php"], powershell: ["PowerShell", "ps1"], python: ["Python", "py"],
  shell: ["Console", "txt"], sql: ["SQL", "sql"], svg: ["SVG", "svg"], toml: ["TOML", "toml"], tsx: ["TSX", "tsx"],
  typescript: ["TypeScript", "ts"], vba: ["VBA", "bas"], vbnet: ["VB.NET", "vb"], vbscript: ["VBScript", "vbs"], xml: ["XML", "xml"],
  yaml: ["YAML", "yml"],
}));
const ALIASES = new Map(Object.entries({
  sh: "bash", zsh: "bash", console: "shell", terminal: "shell", "c++": "cpp", h: "c", hpp: "cpp", "c#": "csharp", cs: "csharp", js: "javascript",
  node: "javascript", ts: "typescript", py: "python", python3: "python", ps: "powershell", ps1: "powershell", pwsh: "powershell", yml: "yaml",
  md: "markdown", vb: "vbnet", vbs: "vbscript", excel: "vba", patch: "diff", postgresql: "sql", mysql: "sql", tsql: "sql", jsonc: "json",
}));
// Languages that are coloured as their next of kin.
const GRAMMARS = new Map(Object.entries({ html: "xml", svg: "xml", jsx: "javascript", tsx: "typescript", toml: "ini", vba: "vbscript" }));
const ENDLESS_LINE = /.{2000}/; // thousands of coloured pieces in one line take the browser seconds
let hljs = null;
let coming = null;

export function languageOf(info) {
  const word = info.trim().split(/[\s{,:]/)[0].toLowerCase();
  return ALIASES.get(word) ?? word;
}

export const labelOf = (language) => LANGUAGES.get(language)?.[0] ?? language;
export const extensionOf = (language) => LANGUAGES.get(language)?.[1] ?? "txt";
const grammarOf = (language) => GRAMMARS.get(language) ?? language;

// HTML with the highlighter's own spans, or null when there are to be none: the language is not (yet) here.
export function highlight(code, language) {
  const grammar = grammarOf(language);
  return hljs?.getLanguage(grammar) && !ENDLESS_LINE.test(code) ? hljs.highlight(code, { language: grammar, ignoreIllegals: true }).value : null;
}

// Resolves to true once the highlighter has arrived for a language that it knows; out of reach, blocks stay plain and readable.
export function fetchLanguage(language) {
  if (hljs || !LANGUAGES.has(language)) return Promise.resolve(false);
  coming ??= import("./highlighter.js").then(
    (module) => { hljs = module.default; return true; },
    () => { coming = null; return false; },
  );
  return coming;
}
