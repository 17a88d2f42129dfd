// Gives Node the page's import map: "couach/…" is static/js, every other bare name is static/vendor.
import { register } from "node:module";
import { pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";

const root = new URL("../../static/", import.meta.url);

if (isMainThread) register(pathToFileURL(new URL(import.meta.url).pathname));

export function resolve(specifier, context, next) {
  if (specifier.startsWith("couach/")) return next(new URL(`js/${specifier.slice(7)}.js`, root).href, context);
  const isBare = !/^(?:[./]|node:|file:|data:)/.test(specifier);
  return next(isBare ? new URL(`vendor/${specifier}.js`, root).href : specifier, context);
}
