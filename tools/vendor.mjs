// Copies the browser modules pinned in package.json to static/vendor, smallest builds, with their licences.
// The import map names each file by its path without ".js", hence "highlight.js.js" for the bare name "highlight.js".
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { minify } from "terser";

const root = path.resolve(import.meta.dirname, "..");
const packages = path.join(root, "node_modules");
const vendor = path.join(root, "static/vendor");

// Languages that a company's employees paste and ask for; every other block stays plain text.
const languages = [
  "bash", "c", "cpp", "csharp", "css", "diff", "ini", "java", "javascript", "json", "markdown", "php",
  "powershell", "python", "shell", "sql", "typescript", "vbnet", "vbscript", "xml", "yaml",
];

const files = {
  "@hotwired/stimulus.js": "@hotwired/stimulus/dist/stimulus.js",
  "dompurify.js": "dompurify/dist/purify.es.mjs",
  "markdown-it.js": "markdown-it/dist/browser/markdown-it.esm.min.mjs",
  "markdown-it-footnote.js": "markdown-it-footnote/index.mjs",
  "katex.js": "katex/dist/katex.mjs",
  "highlight.js.js": "@highlightjs/cdn-assets/es/core.min.js",
  ...Object.fromEntries(languages.map((name) => [
    `highlight.js/languages/${name}.js`, `@highlightjs/cdn-assets/es/languages/${name}.min.js`,
  ])),
};

// Made of hundreds of small modules, of which the charts use some: those, joined into one file.
const joined = {
  "@observablehq/plot.js": {
    from: "@observablehq/plot",
    names: ["axisX", "axisY", "barX", "dot", "gridX", "gridY", "line", "plot", "ruleX", "ruleY", "text"],
  },
};

const licences = {
  "@hotwired/stimulus": "LICENSE.md",
  "dompurify": "LICENSE",
  "markdown-it": "LICENSE",
  "markdown-it-footnote": "LICENSE",
  "katex": "LICENSE",
  "@highlightjs/cdn-assets": "LICENSE",
};

await rm(vendor, { recursive: true, force: true });
for (const [target, source] of Object.entries(files)) {
  const code = await readFile(path.join(packages, source), "utf8");
  // Not every package ships a minified ES module, and some of those that do keep their line breaks.
  const small = (await minify(code, { module: true, format: { comments: /^!|@license/ } })).code;
  const file = path.join(vendor, target);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, small.trimEnd() + "\n");
}

for (const [target, { from, names }] of Object.entries(joined)) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${names.join(", ")} } from "${from}";`, resolveDir: root },
    bundle: true, minify: true, format: "esm", legalComments: "none", metafile: true, write: false,
  });
  const file = path.join(vendor, target);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, outputFiles[0].text.trimEnd() + "\n");
  for (const [part, { bytesInOutput }] of Object.entries(Object.values(metafile.outputs)[0].inputs)) {
    const name = bytesInOutput && part.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
    if (name) licences[name] ??= (await readdir(path.join(packages, name))).find((each) => /^licen[cs]e/i.test(each));
  }
}

let notice = "";
for (const [name, file] of Object.entries(licences)) {
  const { version, license } = JSON.parse(await readFile(path.join(packages, name, "package.json"), "utf8"));
  const text = await readFile(path.join(packages, name, file), "utf8");
  notice += `${name} ${version} (${license})\n${"=".repeat(72)}\n${text.trim()}\n\n\n`;
}
await writeFile(path.join(vendor, "LICENSES.txt"), notice.trimEnd() + "\n");
