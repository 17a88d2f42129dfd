// Which of several submissions of a form goes out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { submitOnce } from "../../static/js/lib/submit_once.js";

class Submission extends Event {
  constructor(form, submitter) {
    super("submit", { cancelable: true });
    Object.defineProperty(this, "target", { value: form });
    this.submitter = submitter;
  }
}

const formOf = (method) => ({ getAttribute: () => method });

function pageAt(clock) {
  const page = new EventTarget();
  submitOnce(page, () => clock.now);
  return { goesOut: (form, button = null) => page.dispatchEvent(new Submission(form, button)), show: () => page.dispatchEvent(new Event("pageshow")) };
}

test("the second submission of a form waits for the answer to the first, ten seconds at most", () => {
  const clock = { now: 0 };
  const { goesOut } = pageAt(clock);
  const [form, other] = [formOf("post"), formOf("POST")];
  assert.deepEqual([goesOut(form), goesOut(form), goesOut(other), goesOut(other)], [true, false, true, false]);
  clock.now = 9_999;
  assert.equal(goesOut(form), false);
  clock.now = 10_000;
  assert.deepEqual([goesOut(form), goesOut(form)], [true, false]);
});

test("another button of the same form means something else", () => {
  const { goesOut } = pageAt({ now: 0 });
  const form = formOf("post");
  assert.deepEqual([goesOut(form, "light"), goesOut(form, "dark"), goesOut(form, "dark")], [true, true, false]);
});

test("searches and links go out as often as one likes", () => {
  const { goesOut } = pageAt({ now: 0 });
  const form = formOf(null);
  assert.deepEqual([goesOut(form), goesOut(form)], [true, true]);
});

test("on a page that is shown again everything can be sent again", () => {
  const { goesOut, show } = pageAt({ now: 0 });
  const form = formOf("post");
  goesOut(form);
  show();
  assert.equal(goesOut(form), true);
});
