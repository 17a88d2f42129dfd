// What all charts share: Plot's drawing in our own clothes, colours and shapes of series, widths of words.
import { plot } from "@observablehq/plot";

export const NARROW = 520; // px; below it, words stand above the drawing instead of beside it
const COLOURS = 5;
const SYMBOLS = ["circle", "square2", "triangle2", "diamond2", "star"];
const DASHES = [null, "6 3", "1.5 3"];

// A series is known by its colour, its mark and its dash, and by its name beside it.
export const clothes = (index) => ({
  stroke: `var(--chart-${(index % COLOURS) + 1})`,
  symbol: SYMBOLS[index % SYMBOLS.length],
  dash: DASHES[Math.floor(index / COLOURS) % DASHES.length],
});

// Plot writes a <style> into each drawing, which the page's policy forbids: ours has the same rules (charts.css).
export function drawing(label, options) {
  const svg = plot({ className: "plot", ...options });
  svg.querySelector("style")?.remove();
  for (const part of svg.querySelectorAll("g[aria-label]")) part.removeAttribute("aria-label"); // "rule", "line"…: no roles
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

let pen;

// Pixels that words take in the page's type.
export function widthOf(words, weight = 400, size = 12) {
  pen ??= document.createElement("canvas").getContext("2d");
  pen.font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return Math.ceil(pen.measureText(words).width);
}

// Colours and dashes with their names: [{name, stroke, dash}, …].
export function key(entries) {
  const list = document.createElement("ul");
  list.className = "chart__key";
  for (const { name, stroke, dash } of entries) {
    const item = document.createElement("li");
    const line = element("line", { x1: 0, x2: 20, y1: 4, y2: 4, stroke, "stroke-width": 4, ...(dash && { "stroke-dasharray": dash }) });
    item.append(element("svg", { width: 20, height: 8, "aria-hidden": "true" }, line), name);
    list.append(item);
  }
  return list;
}

export function element(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}
