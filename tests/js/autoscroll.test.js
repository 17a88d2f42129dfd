import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Autoscroll } from "../../static/js/lib/autoscroll.js";

const WINDOW = 800;

// A thread as a browser would lay it out: content, then the spacer; scrollTop is clamped.
function makeThread(height) {
  const thread = { height, shown: null };
  const spacer = { size: 0, style: { setProperty: (_, value) => { spacer.size = parseFloat(value); } }, get offsetTop() { return thread.height; } };
  let top = 0;
  const clamp = (value) => Math.max(0, Math.min(value, scroller.scrollHeight - WINDOW));
  const scroller = {
    clientHeight: WINDOW,
    get scrollHeight() { return Math.max(WINDOW, thread.height + spacer.size); },
    get scrollTop() { return clamp(top); },
    set scrollTop(value) { top = clamp(value); },
  };
  const scroll = new Autoscroll({ scroller, spacer, still: () => true, changed: (state) => { thread.shown = state; } });
  const grow = (by) => { thread.height += by; top = clamp(top); scroll.resized(); scroll.scrolled(); };
  const read = (to) => { scroller.scrollTop = to; scroll.scrolled(); };
  return Object.assign(thread, { scroller, spacer, scroll, grow, read });
}

beforeEach(() => { globalThis.cancelAnimationFrame = () => {}; });

test("a conversation opens at its end", () => {
  const { scroller, scroll } = makeThread(3000);
  scroll.jumpToEnd();
  assert.equal(scroller.scrollTop, 2200);
});

test("a question goes near the top and stays there while the answer grows and shrinks below it", () => {
  const thread = makeThread(3000);
  thread.scroll.jumpToEnd();
  thread.height += 100;
  thread.scroll.placeAtTop({ offsetTop: 3000, isConnected: true });
  assert.equal(thread.scroller.scrollTop, 2988);
  for (const by of [60, -60, 200, -40, 300]) {
    thread.grow(by);
    assert.equal(thread.scroller.scrollTop, 2988);
  }
  thread.grow(300);
  assert.equal(thread.scroller.scrollTop, thread.height - WINDOW, "past the bottom it follows");
  assert.equal(thread.spacer.size, 0);
});

test("three pixels up end the following; coming back to the end begins it again", () => {
  const thread = makeThread(3000);
  thread.scroll.jumpToEnd();
  thread.grow(50);
  assert.equal(thread.scroller.scrollTop, 2250);
  thread.read(2247);
  thread.grow(300);
  assert.equal(thread.scroller.scrollTop, 2247);
  assert.equal(thread.shown.away, true);
  thread.read(2540);
  thread.grow(100);
  assert.equal(thread.scroller.scrollTop, thread.height - WINDOW);
  assert.equal(thread.shown.away, false);
});

test("a finger needs ten pixels", () => {
  const thread = makeThread(3000);
  thread.scroll.jumpToEnd();
  thread.scroll.touching = true;
  thread.read(2194);
  thread.grow(20);
  assert.equal(thread.scroller.scrollTop, 2220);
  thread.read(2208);
  thread.grow(20);
  assert.equal(thread.scroller.scrollTop, 2208);
});

test("shorter content is not taken for the reader's move", () => {
  const thread = makeThread(3000);
  thread.scroll.jumpToEnd();
  thread.grow(100);
  thread.grow(-80);
  thread.grow(200);
  assert.equal(thread.scroller.scrollTop, thread.height - WINDOW);
});

test("the follow button comes from 200 px and goes within 60", () => {
  const thread = makeThread(3000);
  thread.scroll.jumpToEnd();
  thread.read(2050);
  assert.equal(thread.shown.away, false);
  thread.read(1990);
  assert.equal(thread.shown.away, true);
  thread.read(2100);
  assert.equal(thread.shown.away, true);
  thread.scroll.follow();
  assert.equal(thread.shown.away, true);
  thread.scroll.scrolled();
  assert.equal(thread.shown.away, false);
});

test("another version in a message's place moves nothing; a shorter one comes to the top at most", () => {
  const thread = makeThread(5000);
  thread.scroll.jumpToEnd();
  thread.read(3000);
  const version = { offsetTop: 3200, isConnected: true };
  thread.scroll.exchange(() => { thread.height = 3300; return version; });
  assert.equal(thread.scroller.scrollTop, 3000, "in sight, it stays where it is");
  thread.grow(40);
  thread.grow(-40);
  assert.equal(thread.scroller.scrollTop, 3000);
  thread.scroll.exchange(() => { thread.height = 9000; return version; });
  thread.read(6000);
  thread.scroll.exchange(() => { thread.height = 3300; return version; });
  assert.equal(thread.scroller.scrollTop, 3188, "its beginning was above: it begins at the top");
  thread.scroll.exchange(() => { thread.height = 9000; return version; });
  thread.grow(500);
  assert.equal(thread.scroller.scrollTop, 3188, "what grows at the end is not followed");
});
