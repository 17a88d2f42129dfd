// Builds what browsers fetch from static/ into static/build, or into the folder that is given: one script for each page and
// what it loads later, the styles with their fonts, the drawings. Names change with the contents, text is compressed beside
// itself, manifest.json tells which source became which file, LICENSES.txt whose code is in them.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { sprite } from "./icons.mjs";

const root = path.resolve(import.meta.dirname, "..");
const sources = path.join(root, "static");
const packages = path.join(root, "node_modules");
const target = path.resolve(process.argv[2] ?? path.join(sources, "build"));

const files = new Map(); // name → bytes
const manifest = {}; // source → name
// Packages of which something is in the files; esbuild tells of others. The last five are within markdown-it's own build.
const joined = new Set(["lucide-static", "tailwindcss", "entities", "linkify-it", "mdurl", "punycode.js", "uc.micro"]);

const compiledByTailwind = {
  name: "tailwind",
  setup({ onLoad }) {
    onLoad({ filter: /css\/app\.css$/ }, ({ path: sheet }) => ({
      contents: execFileSync(path.join(packages, ".bin/tailwindcss"), ["-i", sheet, "--minify"], { cwd: root, stdio: ["ignore", "pipe", "ignore"] }),
      loader: "css",
    }));
  },
};

async function bundle(entry, options = {}) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root, entryPoints: [path.join("static", entry)], outbase: "static", outdir: "static/build", write: false, metafile: true,
    bundle: true, minify: true, charset: "utf8", legalComments: "none", logLevel: "error",
    entryNames: "[dir]/[name]-[hash]", chunkNames: "js/[name]-[hash]", assetNames: "[dir]/[name]-[hash]",
    ...options,
  });
  for (const { path: file, contents } of outputFiles) files.set(path.relative(path.join(sources, "build"), file), contents);
  for (const [file, { inputs }] of Object.entries(metafile.outputs)) {
    const name = path.relative("static/build", file);
    manifest[name.replace(/(?<!chunk)-\w{8}(\.\w+)$/, "$1")] = name;
    for (const [part, { bytesInOutput }] of Object.entries(inputs)) {
      const owner = bytesInOutput && part.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
      if (owner) joined.add(owner);
    }
  }
}

function keep(name, contents) {
  const { dir, name: stem, ext } = path.parse(name);
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, 8);
  manifest[name] = path.join(dir, `${stem}-${hash}${ext}`);
  files.set(manifest[name], contents);
}

async function licences() {
  let notice = "";
  for (const name of [...joined].sort()) {
    const folder = path.join(packages, name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    notice += `${name} ${version} (${license})\n${"=".repeat(72)}\n${(await readFile(path.join(folder, file), "utf8")).trim()}\n\n\n`;
  }
  return `${notice.trimEnd()}\n`;
}

// The others in this folder: the model of the conversation, and what is no module.
const notPages = new Set(["conversation.js", "early.js", "report.js"]);
const pages = (await readdir(path.join(sources, "js"))).filter((name) => name.endsWith(".js") && !notPages.has(name)).sort();
for (const page of pages) await bundle(`js/${page}`, { format: "esm", splitting: true });
// One is written into reports, which are one file; the other is there before the page is.
for (const script of ["report.js", "early.js"]) await bundle(`js/${script}`, { format: "iife" });
await bundle("css/app.css", { plugins: [compiledByTailwind], loader: { ".woff2": "file" } });
for (const name of (await readdir(path.join(sources, "brand"))).sort()) keep(`brand/${name}`, await readFile(path.join(sources, "brand", name)));
keep("icons.svg", await sprite(packages));

files.set("LICENSES.txt", await licences());
files.set("manifest.json", `${JSON.stringify(Object.fromEntries(Object.entries(manifest).sort()), null, 2)}\n`);
await rm(target, { recursive: true, force: true });
for (const [name, contents] of files) {
  const file = path.join(target, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, contents);
  if (/\.(?:js|css|svg)$/.test(name)) await writeFile(`${file}.gz`, gzipSync(contents, { level: 9 }));
}
