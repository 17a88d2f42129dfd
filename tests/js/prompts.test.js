import assert from "node:assert/strict";
import { test } from "node:test";
import { matching, queryOf } from "../../static/js/lib/prompts.js";

const PROMPTS = [
  { name: "Rédiger un mail", detail: "Objet et corps" },
  { name: "Résumer", detail: "Un mail ou un texte" },
  { name: "Mail de relance", detail: "" },
];
const names = (query) => matching(PROMPTS, query).map(({ name }) => name);

test("the beginning of a name, then its middle, then the description", () => {
  assert.deepEqual(names("mail"), ["Mail de relance", "Rédiger un mail", "Résumer"]);
  assert.deepEqual(names(""), PROMPTS.map(({ name }) => name));
  assert.deepEqual(names("zzz"), []);
});

test("neither case nor accents matter", () => {
  assert.deepEqual(names("RESUMER "), ["Résumer"]);
  assert.deepEqual(names("réd"), ["Rédiger un mail"]);
  assert.equal(matching([{ name: "Manœuvre", detail: "" }], "MANOEUVRE").length, 1);
});

test("a search begins with the message and ends with the line", () => {
  assert.equal(queryOf("/", 1), "");
  assert.equal(queryOf("/mail de", 5), "mail");
  assert.equal(queryOf("/mail", 0), null);
  assert.equal(queryOf("voir /mail", 10), null);
  assert.equal(queryOf("/mail\nsuite", 8), null);
  assert.equal(queryOf(`/${"x".repeat(41)}`, 42), null);
});
