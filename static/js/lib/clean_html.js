// Rendered answers as plain HTML for Word, Outlook and the like: structure without classes, styles and buttons.
const LEFT_OUT = "button, svg, template, .code__head, .caret, .left-plain, .progress, .answer__foot, [hidden], [data-part=thinking], .note a[href^='#']";
const KEPT = new Set(["href", "start", "colspan", "border", "cellpadding", "cellspacing", "align"]);
const TOGETHER = "tr, thead, tbody, table, ul, ol, pre"; // parts that mean nothing without what is around them

export const cleanHtml = (element) => clean(element.cloneNode(true)).innerHTML;

// { html, text } of a selection that touches an answer's text; null leaves it to the browser.
export function excerptOf(selection) {
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const text = selection.toString();
  const { commonAncestorContainer: common } = range;
  let around = common.nodeType === Node.ELEMENT_NODE ? common : common.parentElement;
  if (!around.closest(".prose-fr") && !around.querySelector(".prose-fr")) return null;
  if (text.includes("\n")) around = around.closest("pre") ?? around;
  const holder = document.createElement("div");
  holder.append(range.cloneContents());
  for (; around.matches(TOGETHER); around = around.parentElement) {
    const shell = around.cloneNode(false);
    shell.append(...holder.childNodes);
    holder.append(shell);
  }
  return { html: clean(holder).innerHTML, text };
}

function clean(copy) {
  copy.querySelectorAll(".cite").forEach((number) => number.replaceWith(number.textContent));
  copy.querySelectorAll(LEFT_OUT).forEach((part) => part.remove());
  copy.querySelectorAll("input[type=checkbox]").forEach((box) => box.replaceWith(box.hasAttribute("checked") ? "☑ " : "☐ "));
  copy.querySelectorAll("math").forEach((formula) => formula.replaceWith(sourceOf(formula)));
  for (const number of copy.querySelectorAll(".note__number")) {
    number.nextElementSibling?.prepend(`${number.textContent} `);
    number.remove();
  }
  // Documents draw no lines around a table that asks for none.
  for (const table of copy.querySelectorAll("table")) {
    for (const [name, value] of [["border", 1], ["cellpadding", 4], ["cellspacing", 0]]) table.setAttribute(name, value);
  }
  copy.querySelectorAll(".num").forEach((cell) => cell.setAttribute("align", "right"));
  copy.querySelectorAll(".mid").forEach((cell) => cell.setAttribute("align", "center"));
  copy.querySelectorAll("div, span, article, a[href^='#'], a:not([href])").forEach((part) => part.replaceWith(...part.childNodes));
  copy.querySelectorAll("*").forEach((node) => {
    for (const { name } of [...node.attributes]) if (!KEPT.has(name)) node.removeAttribute(name);
  });
  return copy;
}

// A formula as it was written: documents that cannot draw it would lose its fractions and exponents.
function sourceOf(formula) {
  const mark = formula.getAttribute("display") === "block" ? "$$" : "$";
  return mark + (formula.querySelector("annotation")?.textContent ?? formula.textContent) + mark;
}
