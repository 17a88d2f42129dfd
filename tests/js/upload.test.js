import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Stopped, upload } from "../../static/js/lib/upload.js";

// The browser's own, which Node does not have.
let sent = [];
class Sending {
  upload = {};
  open() {}
  setRequestHeader() {}
  send(body) { sent.push([this, body]); }
  abort() { this.onabort(); }
  answer(status, responseText) { Object.assign(this, { status, responseText }).onload(); }
}

beforeEach(() => {
  sent = [];
  globalThis.XMLHttpRequest = Sending;
});

const start = (signal) => upload("/api/files", "body", { headers: {}, signal });

test("what the server takes is resolved with, what it refuses is a problem", async () => {
  const taken = start();
  sent[0][0].answer(201, '{"id":"f1"}');
  assert.deepEqual(await taken, { id: "f1" });
  const refused = start();
  sent[1][0].answer(413, '{"code":"file_too_large"}');
  await assert.rejects(refused, { code: "file_too_large", status: 413 });
});

test("it ends in the middle, and does not begin once it was ended", async () => {
  const leaving = new AbortController();
  const ended = start(leaving.signal);
  leaving.abort();
  await assert.rejects(ended, Stopped);
  await assert.rejects(start(leaving.signal), Stopped);
  assert.equal(sent.length, 1);
});
