// Dresses blocks of code with their head (language, wrap, download, copy), and colours those whose language arrives late.
import { extensionOf, fetchLanguage, highlight, labelOf } from "./highlight.js";
import { t } from "./texts.js";

const TALL = 22; // lines that fit the block's height
const LARGEST = 20_000; // characters coloured late
const NAMED = /^\s*(?:#|\/\/|--|'|;|<!--|\/\*)\s*(?:file(?:name)?\s*:|fichier\s*:)?\s*(?:[\p{L}\p{N}_.-]+\/)*([\p{L}\p{N}_-][\p{L}\p{N}_.-]{0,60}\.[a-z]\w{0,6})\s*(?:-->|\*\/)?\s*(?:\n|$)/iu;
const BYTE_ORDER_MARK = "\uFEFF";

export function decorateCode(fragment) {
  for (const code of fragment.querySelectorAll("pre > code")) {
    const { language } = code.dataset;
    const frame = document.getElementById("code-template").content.firstElementChild.cloneNode(true);
    frame.querySelector("[data-part=language]").textContent = labelOf(language);
    frame.toggleAttribute("data-tall", lineCount(code.textContent) > TALL);
    code.parentElement.replaceWith(frame);
    frame.append(code.parentElement);
    if (language) fetchLanguage(language).then((arrived) => arrived && colourPlain(language));
  }
}

// The block on the page may be another node than the one that asked; every plain block of the language is coloured.
function colourPlain(language) {
  for (const code of document.querySelectorAll(`code[data-language="${CSS.escape(language)}"]`)) {
    if (code.firstElementChild || code.textContent.length > LARGEST) continue;
    const coloured = highlight(code.textContent, language);
    if (coloured) code.innerHTML = coloured; // its own spans around escaped text
  }
}

// What one of the head's buttons asks for; the frame remembers it while more of the code arrives.
export function useCode(button) {
  const frame = button.closest(".code");
  const code = frame.querySelector("code");
  if (button.dataset.code === "download") return download(code.textContent, fileName(code));
  const on = frame.toggleAttribute(`data-chosen-${button.dataset.code}`);
  if (button.dataset.code === "wrap") return button.setAttribute("aria-pressed", String(on));
  button.setAttribute("aria-expanded", String(on));
  button.querySelector("[data-part=words]").textContent = t(on ? "show_less" : "show_all");
}

// The name that the code's first line tells, or a plain one with the language's ending.
export function fileName({ textContent: text, dataset: { language } }) {
  return text.match(NAMED)?.[1] ?? `${t("snippet")}.${extensionOf(language)}`;
}

function download(text, name) {
  // Without the mark Windows' own PowerShell takes accents for two letters each.
  const content = name.endsWith(".ps1") ? BYTE_ORDER_MARK + text : text;
  const url = URL.createObjectURL(new Blob([content], { type: "text/plain;charset=utf-8" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

function lineCount(text) {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
