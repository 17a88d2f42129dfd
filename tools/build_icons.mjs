// Gathers the lucide drawings that the pages use into one sprite, static/build/icons.svg.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const drawings = path.join(root, "node_modules/lucide-static/icons");

const names = [
  "archive", "archive-restore", "arrow-down", "arrow-left", "arrow-up", "box", "chart-scatter", "check",
  "chevron-down", "chevron-left", "chevron-right", "chevron-up", "circle-alert", "circle-check", "circle-x",
  "clock", "code", "compass", "copy", "cpu", "download", "ellipsis", "eye", "eye-off", "file-text", "flask-conical",
  "folder", "folder-input", "folder-plus", "gauge", "hard-drive", "history", "hourglass", "info", "keyboard", "languages",
  "leaf", "lightbulb", "link", "list", "lock", "log-out", "mail", "menu", "message-square", "monitor", "moon",
  "panel-left", "pencil", "pin", "pin-off", "play", "plus", "printer", "refresh-cw", "rotate-ccw", "search",
  "settings-2", "share-2", "sigma", "slash", "split", "square", "square-pen", "sun", "table-2", "target",
  "terminal", "thumbs-down", "thumbs-up", "timer", "trash-2", "triangle-alert", "type", "undo-2", "unplug",
  "upload", "user", "user-plus", "wrap-text", "x", "zap",
];

const symbols = await Promise.all(names.map(async (name) => {
  const svg = await readFile(path.join(drawings, `${name}.svg`), "utf8");
  const shapes = svg.replace(/<!--.*?-->/s, "").replace(/<svg[^>]*>/s, "").replace("</svg>", "").replace(/\s+/g, " ").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes}</symbol>`;
}));
const licence = "Lucide, ISC licence, lucide.dev/license";

await mkdir(path.join(root, "static/build"), { recursive: true });
await writeFile(
  path.join(root, "static/build/icons.svg"),
  `<svg xmlns="http://www.w3.org/2000/svg"><!-- ${licence} -->\n${symbols.join("\n")}\n</svg>\n`,
);
