// Colours code: the highlighter and each language are fetched when a block asks for them, so that the page is light.

// What people read at the block's head, and the end of the file's name.
const LANGUAGES = {
  bash: ["Bash", "sh"], c: ["C", "c"], cpp: ["C++", "cpp"], csharp: ["C#", "cs"], css: ["CSS", "css"], diff: ["Diff", "patch"],
  html: ["HTML", "html"], ini: ["INI", "ini"], java: ["Java", "java"], javascript: ["JavaScript", "js"], json: ["JSON", "json"],
  jsx: ["JSX", "jsx"], markdown: ["Markdown", "md"], php: ["PHP", "php"], powershell: ["PowerShell", "ps1"], python: ["Python", "py"],
  shell: ["Console", "txt"], sql: ["SQL", "sql"], svg: ["SVG", "svg"], toml: ["TOML", "toml"], tsx: ["TSX", "tsx"],
  typescript: ["TypeScript", "ts"], vba: ["VBA", "bas"], vbnet: ["VB.NET", "vb"], vbscript: ["VBScript", "vbs"], xml: ["XML", "xml"],
  yaml: ["YAML", "yml"],
};
const ALIASES = {
  sh: "bash", zsh: "bash", console: "shell", terminal: "shell", "c++": "cpp", h: "c", hpp: "cpp", "c#": "csharp", cs: "csharp", js: "javascript",
  node: "javascript", ts: "typescript", py: "python", python3: "python", ps: "powershell", ps1: "powershell", pwsh: "powershell", yml: "yaml",
  md: "markdown", vb: "vbnet", vbs: "vbscript", excel: "vba", patch: "diff", postgresql: "sql", mysql: "sql", tsql: "sql", jsonc: "json",
};
// Languages that are coloured as their next of kin.
const GRAMMARS = { html: "xml", svg: "xml", jsx: "javascript", tsx: "typescript", toml: "ini", vba: "vbscript" };
const ENDLESS_LINE = /.{2000}/; // thousands of coloured pieces in one line take the browser seconds
const fetched = new Map();
let hljs = null;

export function languageOf(info) {
  const word = info.trim().split(/[\s{,:]/)[0].toLowerCase();
  return ALIASES[word] ?? word;
}

export const labelOf = (language) => LANGUAGES[language]?.[0] ?? language;
export const extensionOf = (language) => LANGUAGES[language]?.[1] ?? "txt";
const grammarOf = (language) => GRAMMARS[language] ?? language;

// HTML with the highlighter's own spans, or null when there are to be none: the language is not (yet) here.
export function highlight(code, language) {
  const grammar = grammarOf(language);
  return hljs?.getLanguage(grammar) && !ENDLESS_LINE.test(code) ? hljs.highlight(code, { language: grammar, ignoreIllegals: true }).value : null;
}

// Resolves to true once a known language that was not here has arrived.
export function fetchLanguage(language) {
  const name = grammarOf(language);
  if (!Object.hasOwn(LANGUAGES, language) || hljs?.getLanguage(name)) return Promise.resolve(false);
  if (!fetched.has(name)) {
    fetched.set(name, fetchGrammar(name).catch(() => false)); // out of reach: the block stays plain and readable
  }
  return fetched.get(name);
}

async function fetchGrammar(name) {
  const [core, { default: grammar }] = await Promise.all([import("highlight.js"), import(`highlight.js/languages/${name}`)]);
  hljs = core.default;
  hljs.registerLanguage(name, grammar);
  return true;
}
