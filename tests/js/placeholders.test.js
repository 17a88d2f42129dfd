import assert from "node:assert/strict";
import { test } from "node:test";
import { placeholderAt, placeholderBeside, placeholdersOf } from "../../static/js/lib/placeholders.js";

const TEXT = "À {{destinataire}}, pour {{ le but }} et {{x}}";

test("places have names and bounds; other braces are text", () => {
  assert.deepEqual(placeholdersOf(TEXT).map(({ name }) => name), ["destinataire", "le but", "x"]);
  for (const { start, end } of placeholdersOf(TEXT)) assert.match(TEXT.slice(start, end), /^\{\{.+\}\}$/);
  assert.deepEqual(placeholdersOf(`{a} {{}} {{a\nb}} { {c} } {{${"x".repeat(61)}}}`), []);
});

test("from place to place and out at the ends", () => {
  const [first, second, third] = placeholdersOf(TEXT);
  const at = (place) => ({ start: place.start, end: place.end });
  assert.deepEqual(placeholderBeside(TEXT, { start: 0, end: 0 }), first);
  assert.deepEqual(placeholderBeside(TEXT, at(first)), second);
  assert.equal(placeholderBeside(TEXT, at(third)), undefined);
  assert.deepEqual(placeholderBeside(TEXT, at(third), true), second);
  assert.equal(placeholderBeside(TEXT, at(first), true), undefined);
});

test("the place that a finger touches", () => {
  const [first] = placeholdersOf(TEXT);
  assert.deepEqual(placeholderAt(TEXT, first.start + 3), first);
  assert.equal(placeholderAt(TEXT, first.start), undefined);
  assert.equal(placeholderAt(TEXT, first.end), undefined);
});
