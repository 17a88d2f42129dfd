import assert from "node:assert/strict";
import { test } from "node:test";
import { placeAt, placeBeside, placesOf } from "couach/lib/places";

const TEXT = "À {{destinataire}}, pour {{ le but }} et {{x}}";

test("places have names and bounds; other braces are text", () => {
  assert.deepEqual(placesOf(TEXT).map(({ name }) => name), ["destinataire", "le but", "x"]);
  for (const { start, end } of placesOf(TEXT)) assert.match(TEXT.slice(start, end), /^\{\{.+\}\}$/);
  assert.deepEqual(placesOf(`{a} {{}} {{a\nb}} { {c} } {{${"x".repeat(61)}}}`), []);
});

test("from place to place and out at the ends", () => {
  const [first, second, third] = placesOf(TEXT);
  const at = (place) => ({ start: place.start, end: place.end });
  assert.deepEqual(placeBeside(TEXT, { start: 0, end: 0 }), first);
  assert.deepEqual(placeBeside(TEXT, at(first)), second);
  assert.equal(placeBeside(TEXT, at(third)), undefined);
  assert.deepEqual(placeBeside(TEXT, at(third), true), second);
  assert.equal(placeBeside(TEXT, at(first), true), undefined);
});

test("the place that a finger touches", () => {
  const [first] = placesOf(TEXT);
  assert.deepEqual(placeAt(TEXT, first.start + 3), first);
  assert.equal(placeAt(TEXT, first.start), undefined);
  assert.equal(placeAt(TEXT, first.end), undefined);
});
