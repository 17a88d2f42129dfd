import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchLanguage, highlight, languageOf } from "../../static/js/lib/highlight.js";
import { renderAll, renderBlock, topBlocks } from "../../static/js/lib/markdown.js";

test("headings leave room for the page's own, begin at the top and skip no level", () => {
  assert.equal(renderAll("# a\n\n## b\n\n##### c\n\n## d"), "<h3>a</h3>\n<h4>b</h4>\n<h5>c</h5>\n<h4>d</h4>\n");
  assert.equal(renderAll("### a\n\n#### b\n\n# c"), "<h3>a</h3>\n<h4>b</h4>\n<h3>c</h3>\n");
});

test("links open elsewhere and give nothing away; dangerous ones are text", () => {
  assert.match(renderAll("[a](https://b.fr)"), /<a href="https:\/\/b.fr" target="_blank" rel="noopener noreferrer nofollow">a<\/a>/);
  assert.doesNotMatch(renderAll("[a](javascript:alert(1)) [b](data:text/html,x)"), /<a /);
});

test("pictures are links or words, never fetched", () => {
  assert.match(renderAll("![plan](https://b.fr/p.png)"), /<a href="https:\/\/b.fr\/p.png"[^>]*>plan<\/a>/);
  assert.equal(renderAll("![plan](data:image/png;base64,AAAA)"), "<p>plan</p>\n");
  assert.equal(renderAll("[![logo](https://b.fr/l.png)](https://b.fr)").match(/<a /g).length, 1);
  assert.doesNotMatch(renderAll("![x](https://b.fr/p.png)"), /<img/);
});

test("HTML in the text is shown, not obeyed", () => {
  assert.equal(renderAll("<b onclick=x>a</b>"), "<p>&lt;b onclick=x&gt;a&lt;/b&gt;</p>\n");
});

test("tables scroll, and align by class", () => {
  const html = renderAll("| a | b |\n|---|--:|\n| 1 | 2 |");
  assert.match(html, /^<div class="sheet" tabindex="0"><table class="data">/);
  assert.match(html, /<td class="num">2<\/td>/);
  assert.doesNotMatch(html, /style=/);
});

test("tasks are marked, and other brackets stay", () => {
  const html = renderAll("- [ ] a\n- [x] **b**\n- [y] c\n- `[ ]` d\n\n[x] e");
  assert.deepEqual(html.match(/<li.*/g), ['<li data-task="open">a</li>', '<li data-task="done"><strong>b</strong></li>', "<li>[y] c</li>", "<li><code>[ ]</code> d</li>"]);
  assert.match(html, /<p>\[x\] e/);
});

test("notes are numbered in the order in which they are named, wherever their texts stand", () => {
  const html = renderAll("a[^b] c[^1] d[^b]\n\n[^1]: un\n[^b]: deux");
  assert.deepEqual(html.match(/<sup.*?<\/sup>/g), ['<sup data-note="b">1</sup>', '<sup data-note="1">2</sup>', '<sup data-note="b">1</sup>']);
  assert.deepEqual(html.match(/note__number">\d/g), ['note__number">2', 'note__number">1']);
});

const formulas = (text) => [...renderAll(text).matchAll(/data-math>(.*?)<\/span>/gs)].map(([, source]) => source);

test("formulas are marked, as models write them", () => {
  assert.deepEqual(formulas("Soit $x_1$, \\(a*b*c\\) et $$y$$."), ["$x_1$", "\\(a*b*c\\)", "$$y$$"]);
  assert.deepEqual(formulas("On a :\n$$\na\n- b\n$$\n\n\\[ c \\].\n\n> \\[\n> d\n> \\]"), ["$$\na\n- b\n$$", "\\[ c \\].", "\\[\nd\n\\]"]);
  assert.match(renderAll("$a<b$"), /data-math>\$a&lt;b\$</);
});

test("a lone dollar is no formula, nor are prices, variables and code", () => {
  for (const text of ["5 $ et 10 $", "10$, 20$", "$5 and $10", "entre $5 et 10$", "US$5 – US$6", "$PATH:$HOME", "`$a$`", "\\$a\\$", "$$", "\\[ jamais", "$$\na\n\nb\n$$"]) {
    assert.deepEqual(formulas(text), [], text);
  }
});

test("a block too heavy to draw is left as it was written", () => {
  const table = `|a|b|\n|-|-|\n${"|<1>|2|\n".repeat(4000)}`;
  assert.equal(renderAll(table).match(/<td/g).length, 8000);
  const [block] = topBlocks(table);
  assert.match(renderBlock(block), /^<pre data-plain tabindex="0">\|a\|b\|\n\|-\|-\|\n\|&lt;1&gt;/);
  assert.doesNotMatch(renderBlock(topBlocks(table.slice(0, 2000))[0]), /data-plain/);
});

test("lines break as they were written", () => assert.equal(renderAll("a\nb"), "<p>a<br>\nb</p>\n"));

test("French spaces in prose, not in code nor in addresses", () => {
  const html = renderAll("**Note** : oui ! `a : b ?` https://b.fr/a'b", { french: true });
  assert.match(html, /<\/strong>\u00A0: oui\u202F!/);
  assert.match(html, /<code>a : b \?<\/code>/);
  assert.match(html, /a'b<\/a>/);
});

test("code is coloured once its language was fetched", async () => {
  assert.match(renderAll("```py\n<a>\n```"), /<code data-language="python">&lt;a&gt;/);
  assert.equal(highlight("Get-Item x", "powershell"), null);
  assert.equal(await fetchLanguage("python"), true);
  assert.equal(await fetchLanguage("python"), false);
  assert.match(renderAll("```py\ndef f(): pass\n```"), /<code data-language="python"><span class="hljs-keyword">def<\/span>/);
  assert.match(renderAll("```nowhere\n<a>\n```"), /<code data-language="nowhere">&lt;a&gt;/);
  assert.equal(languageOf("c++ {linenos}"), "cpp");
  assert.match(highlight("Get-Item x", "powershell"), /hljs/);
  assert.equal(await fetchLanguage("nowhere"), false);
});

test("a word of an answer that is no language is none, whatever plain objects know under it", async () => {
  await fetchLanguage("python");
  for (const word of ["__proto__", "constructor", "toString"]) {
    assert.ok(renderAll(`\`\`\`${word}\na\n\`\`\``).includes(`<code data-language="${word.toLowerCase()}">a`));
  }
});
