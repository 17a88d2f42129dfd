// Dresses blocks of code with their head (language, copy button), and colours those whose language arrives late.
import { fetchLanguage, highlight, labelOf } from "couach/lib/highlight";

export function decorateCode(fragment) {
  for (const code of fragment.querySelectorAll("pre > code")) {
    const { language } = code.dataset;
    const frame = document.getElementById("code-template").content.firstElementChild.cloneNode(true);
    frame.querySelector("[data-part=language]").textContent = labelOf(language);
    code.parentElement.replaceWith(frame);
    frame.append(code.parentElement);
    if (language) fetchLanguage(language).then((arrived) => arrived && colourPlain(language));
  }
}

// The block on the page may be another node than the one that asked; every plain block of the language is coloured.
function colourPlain(language) {
  for (const code of document.querySelectorAll(`code[data-language="${CSS.escape(language)}"]`)) {
    if (!code.firstElementChild) code.innerHTML = highlight(code.textContent, language); // its own spans around escaped text
  }
}
