// Markdown as models write it, where the standard would lose letters or show marks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Blocks } from "../../static/js/lib/blocks.js";
import { renderAll } from "../../static/js/lib/markdown.js";

const wordsOf = (html) => html.replace(/<[^>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
const cellsOf = (text, cell = "td") => [...renderAll(text).matchAll(new RegExp(`<${cell}(?: [^>]*)?>(.*?)</${cell}>`, "gs"))].map(([, inside]) => inside);
const formulasOf = (text) => [...renderAll(text).matchAll(/data-math>(.*?)<\/span>/gs)].map(([, source]) => source);

const BOLD = {
  "**Délai :**15 jours": ["Délai :"], "**Stop !**On attend. **Puis :**on part.": ["Stop !", "Puis :"], "**(option)**2 fois": ["(option)"],
  "**Total**12": ["Total"], "l’**« essai »**suivant": ["« essai »"], "注意**「期限」**です。**（追加）**も": ["「期限」", "（追加）"], "mot**gras**suite": ["gras"], "**重点**内容**强调**也": ["重点", "强调"],
  "**Vraiment ?**: **oui**, **Non !** : **si**": ["Vraiment ?", "oui", "Non !", "si"], "« **Oui !**Non »": ["Oui !"], "- **a :**b\n- **c :**d": ["a :", "c :"],
  "**Prix : **12 €, **Délai\u00A0: ** 3 jours, **fin**": ["Prix : ", "Délai\u00A0: ", "fin"],
};
for (const [text, bold] of Object.entries(BOLD)) {
  test(`bold in ${text}`, () => {
    const html = renderAll(text);
    assert.deepEqual([...html.matchAll(/<strong>(.*?)<\/strong>/g)].map(([, inside]) => inside), bold);
    assert.doesNotMatch(html, /\*/);
  });
}

for (const text of ["x**2 + y**2", "(a)**2 + (b)**3", "10**6 et 2**n", "2*3*4", "a*b*c", "2*(3+4)*5", "*.py et src*.js", "5 * 3 * 2",
  "__init__ et __main__.py", "\\\\serveur\\partage\\plan", "a_b_c"]) {
  test(`every letter of ${text} stays`, () => assert.equal(wordsOf(renderAll(text)).trim(), text));
}

test("stars and underscores still mark", () => {
  assert.match(renderAll("*un* __Deux mots__ ***trois*** a *b*c"), /<em>un<\/em> <strong>Deux mots<\/strong> <em><strong>trois<\/strong><\/em> a <em>b<\/em>c/);
  assert.equal(wordsOf(renderAll("un \\* deux \\\\")).trim(), "un * deux \\");
});

test("a block of Markdown holds its inner blocks", () => {
  const text = "Avant :\n\n```markdown\n# Guide\n\n```sh\nls\n```\n\n~~~\nx\n~~~\n\nSuite.\n```\n\nAprès.";
  const html = renderAll(text);
  assert.equal(html.match(/<pre/g).length, 1);
  assert.match(html, /Suite\.\n<\/code><\/pre>\n<p>Après\.<\/p>/);
  assert.match(renderAll("- a\n  ```md\n  ```js\n  x\n  ```\n  fin\n  ```\n- b"), /```js\nx\n```\nfin\n<\/code><\/pre>\n<\/li>\n<li>b/);
});

test("a block of Markdown whose inner block has no end of its own ends as ever", () => {
  assert.match(renderAll("```md\n# a\n```sh\nls\n```\n\nAprès."), /<p>Après\.<\/p>/);
  assert.match(renderAll("```md\n# a\n```\n\nAprès."), /<p>Après\.<\/p>/);
});

test("lines are broken by <br>, and no other tag is obeyed", () => {
  assert.deepEqual(cellsOf("| a |\n|---|\n| un<br>deux<BR />trois |"), ["un<br>\ndeux<br>\ntrois"]);
  for (const tag of ["<b>", "<br onclick=x>", "<br-x>", "<hr>", "<brr>", "<img src=x>"]) assert.doesNotMatch(renderAll(`a ${tag} b`), /<(?!\/?p>)/);
  assert.equal(renderAll("`<br>`"), "<p><code>&lt;br&gt;</code></p>\n");
});

test("escaped brackets are words", () => {
  const words = ["[Nom du client]", "[1]", "[2, 3]", "[12-15]", "[DATE]", "[prénom + nom]", "[x]", "[ ]", "[…]", "(facultatif)", "(voir p. 3)", "(ou non)", "document(s)", "(…)"];
  for (const word of words) {
    const text = word.replace(/[[\]()]/g, "\\$&");
    assert.equal(wordsOf(renderAll(`Voir ${text} ici`)).trim(), `Voir ${word} ici`);
    assert.equal(wordsOf(renderAll(text)).trim(), word);
  }
});

test("formulas stay formulas", () => {
  for (const text of ["\\(r\\)", "\\(n\\)", "\\(ABC\\)", "\\(x, y\\)", "\\(12\\)", "\\(2\\pi r\\)", "\\(f(x)\\)", "\\(v_{max}\\)", "\\[ x^2 \\]", "\\[ c \\]",
    "\\[\n\\text{Aire} = \\pi r^2\n\\]", "\\[ \\sin x \\]", "\\[2 + 3\\]"]) assert.equal(formulasOf(text).length, 1, text);
});

test("LaTeX's environments are formulas without dollars, and so are blocks of math", () => {
  assert.deepEqual(formulasOf("Donc :\n\\begin{align*}\na &= b \\\\\nc &= d\n\\end{align*}\nFin"), ["\\begin{align*}\na &amp;= b \\\\\nc &amp;= d\n\\end{align*}"]);
  assert.deepEqual(formulasOf("Soit \\begin{pmatrix}1\\\\2\\end{pmatrix} ici"), ["\\begin{pmatrix}1\\\\2\\end{pmatrix}"]);
  assert.deepEqual(formulasOf("```math\na^2\n```"), ["$$\na^2\n$$"]);
  assert.deepEqual(formulasOf("\\begin{itemize}\n\\item a\n\\end{itemize}\n\n```latex\na^2\n```"), []);
});

test("a table whose dashes are miscounted is a table", () => {
  for (const dashes of ["|---|", "|---|---|", "|---|---|---|---|", "|---+---+---|", "|:--|--:|"]) {
    assert.deepEqual(cellsOf(`| a | b | c |\n${dashes}\n| 1 | 2 | 3 |`), ["1", "2", "3"], dashes);
  }
  assert.doesNotMatch(renderAll("a | b\n---\nc"), /<table/);
  assert.doesNotMatch(renderAll("a\n|---|\nc"), /<table/);
});

test("no cell of a table is dropped", () => {
  assert.deepEqual(cellsOf("| a | b |\n|---|---|\n| 1 | 2 | 3 |\n| 4 |"), ["1", "2", "3", "4", "", ""]);
  assert.deepEqual(cellsOf("| a | b |\n|---|---|\n| 1 | 2 | 3 |", "th"), ["a", "b", ""]);
  assert.deepEqual(cellsOf("| a | b |\n|---|---|\n| `x | y` | p \\| q |"), ["<code>x | y</code>", "p | q"]);
});

test("a name of a file is no link, an address is", () => {
  assert.doesNotMatch(renderAll("Lisez NOTES.md, main.rs, os.name et fini.Il"), /<a /);
  assert.match(renderAll("(https://exemple.fr/Voile_(sport))"), /<a href="https:\/\/exemple.fr\/Voile_\(sport\)"/);
});

test("an address that is no link is not lost", () => {
  assert.equal(renderAll("Voir [le plan](docs/plan é.pdf) et [le plan](<docs/plan é.pdf>)."), "<p>Voir [le plan](docs/plan é.pdf) et le plan (docs/plan é.pdf).</p>\n");
  assert.equal(renderAll("[notes.md](notes.md), [**haut**](#haut), [x](ftp://a.fr/b)"), "<p>notes.md, <strong>haut</strong>, x (ftp://a.fr/b)</p>\n");
});

const ALL = [...Object.keys(BOLD), "x**2 + y**2 et 2*3*4", "__init__ fait", "Avant :\n\n```markdown\n# Guide\n\n```sh\nls\n```\n\nSuite.\n```\n\nAprès.",
  "| a | b | c |\n|---|---|\n| 1<br>2 | `x | y` | 3 | 4 |\n\nfin", "Voir \\[1\\] et \\(r\\) ou \\(voir\\).\n\n\\[Nom\\]\n\n\\[\nx^2\n\\]",
  "1. Aire :\n   \\[\n   \\pi r^2\n   \\]\n2. Soit\n   \\begin{align}\n   a &= b \\\\\n   c &= d\n   \\end{align}\n   et \\(r\\).\n\n```math\nx\n```\nfin"].join("\n\n");

test("cut anywhere, the finished blocks are those of the whole text", () => {
  const whole = renderAll(ALL);
  for (const step of [1, 2, 5, 13]) {
    const blocks = new Blocks();
    const finished = [];
    for (let end = 0; end <= ALL.length; end += step) finished.push(...blocks.update(ALL.slice(0, end)).finished);
    assert.equal([...finished, ...blocks.finish(ALL)].join(""), whole, `steps of ${step}`);
  }
});

test("half-written marks never show", () => {
  const text = "| a | b |\n|---|---|\n| 1<br>2 | 3<br/>4 |\n\n**Délai :**15 jours\n\n```md\n```sh\nls\n```\nfin\n```\n\n\\begin{align}\na &= b\n\\end{align}\n";
  const blocks = new Blocks();
  for (let end = 0; end <= text.length; end++) {
    const words = wordsOf(blocks.update(text.slice(0, end)).tail.replace(/<pre.*?<\/pre>/gs, "").replace(/<span data-math.*?<\/span>/gs, ""));
    assert.doesNotMatch(words, /[*`|\\<]|--/, `after ${JSON.stringify(text.slice(0, end).slice(-20))}`);
  }
});

test("what is large takes time with its length only", () => {
  for (const mark of ["*a", "**a:", "**「", "__a", "\\\\a", "<br>", "<br", "|`", "|-", "```md\n", "\\begin{align}", "\\[a\\]", "\\(a", "* a*b", "`a|", "[a](b) ", "[a](<b", "**a : **"]) {
    for (const text of [mark.repeat(30_000 / mark.length), `| a | b |\n|---|---|\n|${mark.replaceAll("\n", "").repeat(10_000 / mark.length)}|`]) {
      const started = performance.now();
      renderAll(text);
      new Blocks().update(text);
      assert.ok(performance.now() - started < 3000, `${JSON.stringify(mark)}: ${performance.now() - started} ms`);
    }
  }
});
