// The lucide drawings that the pages use, as one sprite.
import { readFile } from "node:fs/promises";
import path from "node:path";

const names = [
  "archive", "archive-restore", "arrow-down", "arrow-left", "arrow-up", "book-open", "box", "chart-scatter", "check",
  "chevron-down", "chevron-left", "chevron-right", "chevron-up", "circle-alert", "circle-check", "circle-stop", "circle-x",
  "clock", "code", "compass", "copy", "cpu", "download", "ellipsis", "eye", "eye-off", "file-text", "flask-conical",
  "folder", "folder-input", "folder-plus", "gauge", "hard-drive", "history", "hourglass", "info", "keyboard", "languages",
  "leaf", "library", "lightbulb", "link", "list", "lock", "log-out", "mail", "menu", "message-square", "monitor", "moon",
  "panel-left", "paperclip", "pencil", "pin", "pin-off", "play", "plus", "printer", "refresh-cw", "rotate-ccw", "search",
  "settings-2", "share-2", "sigma", "slash", "split", "square-pen", "sun", "table-2", "target",
  "terminal", "thumbs-down", "thumbs-up", "timer", "trash-2", "triangle-alert", "type", "undo-2", "unplug",
  "upload", "user", "user-plus", "wrap-text", "x", "zap",
];

export async function sprite(packages) {
  const symbols = await Promise.all(names.map(async (name) => {
    const svg = await readFile(path.join(packages, "lucide-static/icons", `${name}.svg`), "utf8");
    const shapes = svg.replace(/<!--.*?-->/s, "").replace(/<svg[^>]*>/s, "").replace("</svg>", "").replace(/\s+/g, " ").trim();
    return `<symbol id="${name}" viewBox="0 0 24 24">${shapes}</symbol>`;
  }));
  return `<svg xmlns="http://www.w3.org/2000/svg"><!-- Lucide, ISC licence, lucide.dev/license -->\n${symbols.join("\n")}\n</svg>\n`;
}
