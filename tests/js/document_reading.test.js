// Documents are read by the engine while a question is typed: when that is asked for, and what is known of it.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { DocumentReading } from "../../static/js/lib/document_reading.js";

let asked; // what the server was asked, with what
let answers; // what it says, one after another
let told; // the states
let conversation;

beforeEach(() => {
  [asked, answers, told] = [[], [], []];
  const documents = { all: [{ id: "f1" }], areReady: true };
  conversation = { draft: { documents }, model: "phi3", needsPassages: false, isBusy: false, prepare: async () => "c1" };
});

function reading() {
  return new DocumentReading(conversation, (state) => told.push(state), async (url, { body }) => {
    asked.push([url, body]);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return { prefill: answer };
  });
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

test("the state is followed until it is read, and asked for once", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  answers = ["started", "reading", "warm"];
  const each = reading();
  each.update();
  each.update();
  await settled();
  for (let look = 0; look < 2; look++) {
    mock.timers.tick(2000);
    await settled();
  }
  mock.timers.tick(60_000);
  await settled();
  mock.timers.reset();
  assert.deepEqual(told, ["", "reading", "reading", "warm"]);
  assert.equal(asked.length, 3);
  assert.deepEqual(asked[0], ["/api/conversations/c1/prefill", { files: ["f1"], model: "phi3" }]);
});

test("another model reads them anew; what is too long, or not there yet, is not read ahead", async () => {
  answers = ["warm", "warm"];
  const each = reading();
  each.update();
  await settled();
  conversation.model = "qwen";
  each.update();
  await settled();
  assert.deepEqual(asked.map(([, { model }]) => model), ["phi3", "qwen"]);
  conversation.needsPassages = true;
  each.update();
  conversation.needsPassages = false;
  conversation.draft.documents.areReady = false;
  each.update();
  await settled();
  assert.deepEqual([asked.length, told.at(-1)], [2, ""]);
});

test("what cannot be read ahead is not spoken of", async () => {
  for (const answer of ["cold", "long", "short", new Error("no server")]) {
    answers = [answer];
    reading().update();
    await settled();
    assert.equal(told.at(-1), "");
  }
});
