// "couach/…" is static/js; other bare names are packages.
import { register } from "node:module";
import { pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";

const root = new URL("../../static/js/", import.meta.url);

if (isMainThread) register(pathToFileURL(new URL(import.meta.url).pathname));

export function resolve(specifier, context, next) {
  return next(specifier.startsWith("couach/") ? new URL(`${specifier.slice(7)}.js`, root).href : specifier, context);
}
