import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchLanguage, highlight, languageOf } from "couach/lib/highlight";
import { renderAll } from "couach/lib/markdown";

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

test("lines break as they were written", () => assert.equal(renderAll("a\nb"), "<p>a<br>\nb</p>\n"));

test("French spaces in prose, not in code nor in addresses", () => {
  const html = renderAll("**Note** : oui ! `a : b ?` https://b.fr/a'b", { french: true });
  assert.match(html, /<\/strong>\u00A0: oui\u202F!/);
  assert.match(html, /<code>a : b \?<\/code>/);
  assert.match(html, /a'b<\/a>/);
});

test("code is coloured, a language that is not here is fetched", async () => {
  assert.match(renderAll("```py\ndef f(): pass\n```"), /<code data-language="python"><span class="hljs-keyword">def<\/span>/);
  assert.match(renderAll("```nowhere\n<a>\n```"), /<code data-language="nowhere">&lt;a&gt;/);
  assert.equal(languageOf("c++ {linenos}"), "cpp");
  assert.equal(highlight("x", "powershell"), null);
  assert.equal(await fetchLanguage("powershell"), true);
  assert.match(highlight("Get-Item x", "powershell"), /hljs/);
  assert.equal(await fetchLanguage("nowhere"), false);
});
