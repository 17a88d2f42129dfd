// Files beside what is being written: on their way to the server, read there, kept, removed, shared by tabs.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Problem } from "../../static/js/lib/http.js";
import { Documents, MOST } from "../../static/js/lib/documents.js";

const READY = { id: "f1", name: "devis.pdf", kind: "pdf", size: 9, pages: 3, tokens: 500, state: "ready", progress: null, error: null };

let asked; // what the server was asked
let answers; // "METHOD /path" → what it says, one after another
let uploads; // { progress, take, refuse, signal } of each upload
let told; // the events of the list

const io = {
  request: async (url, { method = "GET" } = {}) => {
    const what = `${method} ${url}`;
    asked.push(what);
    const answer = answers[what]?.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? null;
  },
  upload: (url, form, { progress, signal }) => new Promise((resolve, reject) => {
    uploads.push({ name: form.get("file").name, progress, take: resolve, refuse: reject, signal });
  }),
  sleep: () => Promise.resolve(),
};

const file = (name = "devis.pdf", text = "bytes", lastModified = 1) => new File([text], name, { lastModified });

function open(kept = [], others = {}) {
  const documents = new Documents(kept, { ...io, ...others });
  for (const name of ["list", "change"]) documents.addEventListener(name, () => told.push(name));
  return documents;
}

const settled = () => new Promise((resolve) => { setTimeout(resolve, 5); });

beforeEach(() => { [asked, answers, uploads, told] = [[], {}, [], []]; });

test("a file is sent, read page by page, and ready", async () => {
  const documents = open();
  documents.add([file()]);
  const [document] = documents.all;
  uploads[0].progress(1, 4);
  assert.deepEqual([document.state, document.sent, documents.facts], ["uploading", 0.25, []]);
  const reading = { ...READY, state: "extracting", pages: 0, tokens: 0 };
  answers["GET /api/files/f1"] = [{ ...reading, progress: { done: 1, total: 3 } }, READY];
  uploads[0].take({ ...reading, progress: null });
  await settled();
  assert.deepEqual([document.isReady, documents.areReady, documents.tokens()], [true, true, 500]);
  assert.equal(documents.facts[0].id, "f1");
  assert.ok(told.includes("change") && told.at(-1) === "list");
});

test("a double click sends a file once, and the same bytes under another date are one document", async () => {
  const documents = open();
  documents.add([file()]);
  documents.add([file()]);
  documents.add([file("devis.pdf", "bytes", 2)]);
  assert.equal(uploads.length, 2);
  uploads.forEach(({ take }) => take(READY));
  await settled();
  assert.equal(documents.all.length, 1);
});

test("no more files than a question takes", () => {
  const documents = open();
  const many = Array.from({ length: MOST + 2 }, (_, index) => file(`${index}.txt`));
  assert.deepEqual(documents.add(many).map(({ name }) => name), ["10.txt", "11.txt"]);
  assert.equal(uploads.length, MOST);
});

test("what failed on its way can be sent again, what is wrong with the file cannot", async () => {
  const documents = open();
  documents.add([file()]);
  const [document] = documents.all;
  uploads[0].refuse(new TypeError("connection lost"));
  await settled();
  assert.deepEqual([document.state, document.canRetry], ["failed", true]);
  document.retry();
  uploads[1].refuse(new Problem({ status: 422, code: "file_encrypted", detail: "Chiffré." }));
  await settled();
  assert.deepEqual([document.error, document.canRetry], [{ code: "file_encrypted", message: "Chiffré." }, false]);
});

test("the reading is cancelled at the server, and the file sent anew", async () => {
  const documents = open([], { sleep: () => new Promise(() => {}) });
  const failed = { ...READY, state: "failed", error: { code: "file_cancelled", message: "Arrêté." } };
  documents.add([file()]);
  const [document] = documents.all;
  answers["GET /api/files/f1"] = [failed];
  uploads[0].take({ ...READY, state: "extracting" });
  await settled();
  await document.cancel();
  assert.deepEqual([document.state, document.canRetry, asked.includes("POST /api/files/f1/cancel")], ["failed", true, true]);
  document.retry();
  assert.equal(uploads.length, 2);
  assert.ok(!asked.includes("DELETE /api/files/f1"));
});

test("one that is removed is erased at the server, on its way it stops", () => {
  const documents = open([READY]);
  documents.add([file("autre.txt")]);
  const [kept, sending] = documents.all;
  documents.remove(kept);
  documents.remove(sending);
  assert.ok(asked.includes("DELETE /api/files/f1"));
  assert.equal(uploads[0].signal.aborted, true);
  assert.deepEqual(documents.all, []);
});

test("after a reload they are looked at: one may be ready, another gone", async () => {
  answers = { "GET /api/files/f1": [READY], "GET /api/files/f2": [new Problem({ status: 404, code: "not_found" })] };
  const documents = open([{ ...READY, state: "extracting", tokens: 0 }, { ...READY, id: "f2" }, { ...READY, id: "f2" }]);
  assert.equal(documents.all.length, 2);
  await settled();
  assert.deepEqual(documents.facts.map(({ id, tokens }) => [id, tokens]), [["f1", 500]]);
});

test("another tab adds one and lets go of another; what is on its way here stays", async () => {
  answers = { "GET /api/files/f1": [READY], "GET /api/files/f3": [{ ...READY, id: "f3" }] };
  const documents = open([READY]);
  documents.add([file("autre.txt")]);
  documents.become([{ ...READY, id: "f3" }]);
  await settled();
  assert.deepEqual(documents.all.map(({ id, name }) => [id, name]), [["f3", "devis.pdf"], ["", "autre.txt"]]);
  assert.ok(!asked.includes("DELETE /api/files/f1"));
});
