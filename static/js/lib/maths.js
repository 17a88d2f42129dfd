// Draws formulas as MathML, which browsers lay out by themselves. KaTeX is fetched when the first formula appears.
const MOST = 2000; // characters of one formula
const KEPT = 300; // formulas drawn last, for those of a block that is still being written
// Both would write a style attribute, which the page's security policy forbids.
const MACROS = { "\\pmb": "\\boldsymbol{#1}", "\\fcolorbox": "\\boxed{\\colorbox{#2}{#3}}" };

let katex = null;
let coming = null;
const drawn = new Map();

export function drawMaths(fragment) {
  const places = fragment.querySelectorAll("[data-math]");
  if (!places.length) return;
  if (katex) places.forEach(draw);
  else fetchKatex().then(() => katex && document.querySelectorAll("[data-math]").forEach(draw));
}

// Out of reach, the formulas stay as they were written, and the next one tries again.
function fetchKatex() {
  coming ??= import("katex").then((module) => { katex = module.default; }, () => { coming = null; });
  return coming;
}

function draw(place) {
  if (place.firstElementChild) return;
  const source = place.textContent;
  const isApart = source.startsWith("$$") || source.startsWith("\\[") || place.parentElement.matches(".formula");
  const key = `${isApart} ${source}`;
  const formula = drawn.get(key) ?? formulaOf(source, isApart);
  drawn.delete(key); // the last one used is the last one forgotten
  drawn.set(key, formula);
  if (drawn.size > KEPT) drawn.delete(drawn.keys().next().value);
  if (formula) place.replaceChildren(formula.cloneNode(true));
}

// The node is built, never parsed from text, and nothing in it can name an address. null: no formula after all.
function formulaOf(source, isApart) {
  const [, marked] = source.match(/^(?:\$\$?|\\[([])([^]*?)(?:\$\$?|\\[)\]])[.,;:]?$/) ?? [];
  const body = source.startsWith("\\begin") ? source.replace(/[.,;:]$/, "") : marked;
  if (!body || body.length > MOST) return null;
  const holder = document.createElement("span");
  const options = { output: "mathml", displayMode: isApart, strict: false, trust: false, maxSize: 20, maxExpand: 200 };
  try {
    katex.render(body, holder, { ...options, macros: { ...MACROS } });
  } catch {
    return null;
  }
  return holder.querySelector("math");
}
