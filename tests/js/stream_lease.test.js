import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { StreamLease } from "../../static/js/lib/stream_lease.js";

// Every lease of a test is a tab of one browser; the tests look at all of them, or at none.
globalThis.window = new EventTarget();
globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });

let leases = [];
afterEach(() => { leases.forEach((lease) => lease.end()); leases = []; look("visible"); });

function look(state) {
  document.visibilityState = state;
  document.dispatchEvent(new Event("visibilitychange"));
}

function tab() {
  const lease = new StreamLease();
  leases.push(lease);
  const here = { lease, holds: false, take };
  function take() {
    here.holds = true;
    lease.take(() => { here.holds = false; });
  }
  return here;
}

const told = () => new Promise((resolve) => { setTimeout(resolve, 20); }); // messages between tabs are on their way

test("of six tabs that are looked at, the last two hold a stream", async () => {
  const tabs = [];
  for (let n = 0; n < 6; n++) {
    tabs.push(tab());
    tabs.at(-1).take();
    await told();
    assert.ok(tabs.filter(({ holds }) => holds).length <= 2);
  }
  assert.deepEqual(tabs.map(({ holds }) => holds), [false, false, false, false, true, true]);
});

test("whoever waits is told when one is let go", async () => {
  const [first, second, third] = [tab(), tab(), tab()];
  for (const each of [first, second, third]) { each.take(); await told(); }
  assert.ok(!first.holds && !first.lease.isFree);
  const waiting = first.lease.wait();
  third.lease.end();
  await waiting;
  assert.ok(first.lease.isFree);
});

test("a hidden page lets go, and may hold one when it is shown", async () => {
  const here = tab();
  here.take();
  look("hidden");
  assert.ok(!here.holds && !here.lease.isFree);
  const waiting = here.lease.wait();
  look("visible");
  await waiting;
  assert.ok(here.lease.isFree);
});

test("a page that is hidden already holds none", () => {
  look("hidden");
  const here = tab();
  here.take();
  assert.ok(!here.holds);
});

test("leaving ends the waiting", async () => {
  const leaving = new AbortController();
  look("hidden");
  const waiting = tab().lease.wait(leaving.signal);
  leaving.abort();
  await waiting;
});
