import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../../static/js/lib/sse.js";

const STREAM = ": hello\r\n\r\nid: 1\r\nevent: text\r\ndata: {\"text\":\"é\"}\r\n\r\n"
  + "id: 2\nevent: text\ndata: one\ndata: two\n\n:\n\nretry: 5\nevent: empty\n\nid: 3\rdata:no space\r\rdata: last id kept\n\n";
const EVENTS = [
  { name: "text", data: '{"text":"é"}', id: "1" },
  { name: "text", data: "one\ntwo", id: "2" },
  { name: "message", data: "no space", id: "3" },
  { name: "message", data: "last id kept", id: "3" },
];

const parse = (pieces) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

test("a whole stream", () => assert.deepEqual(parse([STREAM]), EVENTS));

test("cut at any place, and at every place", () => {
  for (let at = 0; at <= STREAM.length; at++) {
    assert.deepEqual(parse([STREAM.slice(0, at), STREAM.slice(at)]), EVENTS, `cut at ${at}`);
  }
  assert.deepEqual(parse([...STREAM]), EVENTS);
});

test("an event without its blank line is not given", () => assert.deepEqual(parse(["id: 1\ndata: x\n"]), []));
