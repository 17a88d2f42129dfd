import assert from "node:assert/strict";
import { test } from "node:test";
import { fenced, isLong, splitFiles, withFiles } from "../../static/js/lib/attachments.js";

test("more than 2,000 characters or 30 lines are long", () => {
  assert.equal(isLong("x".repeat(2000)), false);
  assert.equal(isLong("x".repeat(2001)), true);
  assert.equal(isLong("x\n".repeat(29)), false);
  assert.equal(isLong("x\n".repeat(30)), true);
});

test("nothing in a text ends its fence", () => {
  assert.equal(fenced("a\n"), "```\na\n```");
  assert.equal(fenced("```js\na\n```"), "````\n```js\na\n```\n````");
  assert.equal(fenced("a `````` b"), "```````\na `````` b\n```````");
});

test("files come after the text, in order, and a text alone stays as it is", () => {
  assert.equal(withFiles("Résume. \n", []), "Résume. \n");
  assert.equal(withFiles("Résume. \n", ["un", "deux"]), "Résume.\n\n```\nun\n```\n\n```\ndeux\n```");
  assert.equal(withFiles("", ["un"]), "```\nun\n```");
});

test("what was joined is taken apart again", () => {
  const long = Array.from({ length: 40 }, (_, line) => `ligne ${line}`).join("\n");
  for (const [text, files] of [["Résume.", [long]], ["", [long]], ["Deux :\n\n- a", [long, "x".repeat(3000)]], ["Résume.", [`\`\`\`js\n${long}\n\`\`\``]],
    ["Résume.", [`a\n\n\`\`\`\n${long}`, long]], ["```\ncourt\n```", [long]]]) {
    assert.deepEqual(splitFiles(withFiles(text, files)), { text, files });
  }
});

test("other texts stay as they are", () => {
  const long = "x\n".repeat(40);
  for (const text of ["", "Bonjour", "```\ncourt\n```", `\`\`\`js\n${long}\`\`\``, `a\n\`\`\`\n${long}\`\`\``, `\`\`\`\n${long}`, `\`\`\`\n${long}\`\`\`\nsuite`, "```", "```\n```"]) {
    assert.deepEqual(splitFiles(text), { text, files: [] });
  }
});
