import assert from "node:assert/strict";
import { test } from "node:test";
import { Blocks, normalizeLines } from "../../static/js/lib/blocks.js";
import { renderAll } from "../../static/js/lib/markdown.js";
import { closeMarkdown } from "../../static/js/lib/close_markdown.js";
import { ANSWER } from "./samples.mjs";

const FRENCH = { french: true };

function renderInPieces(text, cuts) {
  const blocks = new Blocks(FRENCH);
  const finished = cuts.flatMap((cut) => blocks.update(text.slice(0, cut)).finished);
  return [...finished, ...blocks.finish(text)].join("");
}

test("cut anywhere, the finished blocks are those of the whole text", () => {
  const whole = renderAll(ANSWER, FRENCH);
  for (let cut = 0; cut <= ANSWER.length; cut++) assert.equal(renderInPieces(ANSWER, [cut]), whole, `cut at ${cut}`);
});

test("letter by letter, and in uneven pieces", () => {
  const whole = renderAll(ANSWER, FRENCH);
  for (const step of [1, 2, 3, 7, 11, 64]) {
    const cuts = Array.from({ length: Math.ceil(ANSWER.length / step) }, (_, index) => index * step);
    assert.equal(renderInPieces(ANSWER, cuts), whole, `steps of ${step}`);
  }
});

test("a finished block is given once, and the work does not grow with the text before it", () => {
  const text = "Un paragraphe de quelques mots.\n\n".repeat(2000);
  const blocks = new Blocks();
  let given = 0;
  const started = performance.now();
  for (let end = 0; end < text.length; end += 16) given += blocks.update(text.slice(0, end)).finished.length;
  given += blocks.finish(text).length;
  assert.equal(given, 2000);
  assert.ok(performance.now() - started < 3000);
});

test("half-written marks never show", () => {
  const text = "Du **gras**, de *l'italique*, du `code`, un [lien](https://exemple.fr/x) et ~~barré~~.\n\n"
    + "- a\n- **b**\n\n| A | B |\n|---|---|\n| c | `d` |\n\n```python\nx\n```\n\n## Titre\n\n1. un\n2. deux\n";
  const blocks = new Blocks();
  let shown = "";
  for (let end = 0; end <= text.length; end++) {
    const { finished, tail } = blocks.update(text.slice(0, end));
    shown += finished.join("");
    const words = tail.replace(/<[^>]*>/g, "");
    assert.doesNotMatch(words, /[*`~[\]|#]|https|^\s*-/m, `after ${JSON.stringify(text.slice(0, end).slice(-20))}`);
  }
  assert.match(shown, /<strong>b<\/strong>/);
});

test("mending closes or holds back", () => {
  const cases = {
    "Voici **gr": "Voici **gr**", "Voici **": "Voici", "a *b **c": "a *b **c***", "x `co": "x `co`", "[lien](htt": "lien", "**[x](": "**x**",
    "- a\n-": "- a", "t\n| a | b |\n|--": "t", "```py": "", "```py\ncode\n``": "```py\ncode", "5 * 3": "5 * 3", "a_b_c": "a_b_c",
    "- [": "", "- [x": "", "- [x] ": "", "- [x] a": "- [x] a", "a $x_1": "a", "a $x_1$ *b": "a $x_1$ *b*", "à 5 $ *ou": "à 5 $ *ou*", "$5 *ou": "$5 *ou*",
    "\\(a": "", "t\n\\[\na": "t", "$$\na\n$$": "$$\na\n$$", "$$\n- a": "", "[[a [b": "a b", "[a\nb](c": "[a\nb](c",
    "1. a\n2": "1. a", "titre\n##": "titre", "**a*": "**a**", "fin.": "fin.",
    "***a*** b": "***a*** b", "***a*** *b": "***a*** *b*", "**a : **b **c": "**a : **b **c**", "2*3": "2*3",
  };
  for (const [source, expected] of Object.entries(cases)) assert.equal(closeMarkdown(source), expected);
});

test("closing takes time with the text's length only", () => {
  for (const mark of ["[", "![", "[a](", "*", "*a ", "**a _b ", "`", "`a ", "$a ", "$$a", "\\\\(", "~~a", "- ", "> ", " ", "|", "|-", "](", "<", "\\\\", "#", "[x] ", "1. "]) {
    const started = performance.now();
    closeMarkdown(mark.repeat(60_000 / mark.length));
    assert.ok(performance.now() - started < 2000, JSON.stringify(mark));
  }
});

test("line ends are Markdown's", () => assert.equal(normalizeLines("a\r\nb\rc\n"), "a\nb\nc\n"));
