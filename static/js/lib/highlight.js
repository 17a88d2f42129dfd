// Colours code: common languages are here from the start, others are fetched when a block asks for them.
import hljs from "highlight.js";
import bash from "highlight.js/languages/bash";
import javascript from "highlight.js/languages/javascript";
import json from "highlight.js/languages/json";
import python from "highlight.js/languages/python";
import sql from "highlight.js/languages/sql";
import xml from "highlight.js/languages/xml";

for (const [name, grammar] of Object.entries({ bash, javascript, json, python, sql, xml })) hljs.registerLanguage(name, grammar);

const LABELS = {
  bash: "Bash", c: "C", cpp: "C++", csharp: "C#", css: "CSS", diff: "Diff", ini: "INI", java: "Java", javascript: "JavaScript",
  json: "JSON", markdown: "Markdown", php: "PHP", powershell: "PowerShell", python: "Python", shell: "Console", sql: "SQL",
  typescript: "TypeScript", vbnet: "VB.NET", vbscript: "VBA", xml: "XML", yaml: "YAML",
};
const ALIASES = {
  sh: "bash", zsh: "bash", console: "shell", terminal: "shell", "c++": "cpp", "c#": "csharp", cs: "csharp", js: "javascript",
  jsx: "javascript", ts: "typescript", tsx: "typescript", py: "python", python3: "python", ps1: "powershell", html: "xml",
  svg: "xml", yml: "yaml", md: "markdown", toml: "ini", vb: "vbnet", vba: "vbscript", vbs: "vbscript", patch: "diff",
};
const fetched = new Map();

export function languageOf(info) {
  const word = info.trim().split(/[\s{,:]/)[0].toLowerCase();
  return ALIASES[word] ?? word;
}

export const labelOf = (language) => LABELS[language] ?? language;

// HTML with the highlighter's own spans, or null when this language is not (yet) here.
export function highlight(code, language) {
  return hljs.getLanguage(language) ? hljs.highlight(code, { language, ignoreIllegals: true }).value : null;
}

// Resolves to true once a known language that was not here has arrived.
export function fetchLanguage(name) {
  if (!(name in LABELS) || hljs.getLanguage(name)) return Promise.resolve(false);
  if (!fetched.has(name)) {
    fetched.set(name, import(`highlight.js/languages/${name}`).then(
      ({ default: grammar }) => { hljs.registerLanguage(name, grammar); return true; },
      () => false, // out of reach: the block stays plain and readable
    ));
  }
  return fetched.get(name);
}
