import assert from "node:assert/strict";
import { test } from "node:test";
import { fenced, isLong, splitPasted, withPasted } from "../../static/js/lib/pasted_texts.js";

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

test("pasted come after the text, in order, and a text alone stays as it is", () => {
  assert.equal(withPasted("Résume. \n", []), "Résume. \n");
  assert.equal(withPasted("Résume. \n", ["un", "deux"]), "Résume.\n\n```\nun\n```\n\n```\ndeux\n```");
  assert.equal(withPasted("", ["un"]), "```\nun\n```");
});

test("what was joined is taken apart again", () => {
  const long = Array.from({ length: 40 }, (_, line) => `ligne ${line}`).join("\n");
  for (const [text, pasted] of [["Résume.", [long]], ["", [long]], ["Deux :\n\n- a", [long, "x".repeat(3000)]], ["Résume.", [`\`\`\`js\n${long}\n\`\`\``]],
    ["Résume.", [`a\n\n\`\`\`\n${long}`, long]], ["```\ncourt\n```", [long]]]) {
    assert.deepEqual(splitPasted(withPasted(text, pasted)), { text, pasted });
  }
});

test("other texts stay as they are", () => {
  const long = "x\n".repeat(40);
  for (const text of ["", "Bonjour", "```\ncourt\n```", `\`\`\`js\n${long}\`\`\``, `a\n\`\`\`\n${long}\`\`\``, `\`\`\`\n${long}`, `\`\`\`\n${long}\`\`\`\nsuite`, "```", "```\n```"]) {
    assert.deepEqual(splitPasted(text), { text, pasted: [] });
  }
});
