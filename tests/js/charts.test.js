import assert from "node:assert/strict";
import { test } from "node:test";
import { BESIDE, around, nearest, spread } from "../../static/js/lib/charts/room.js";
import { axis, step } from "../../static/js/lib/charts/scale.js";

const FRAME = { left: 0, top: 0, right: 400, bottom: 300 };
const point = (x, y) => ({ x, y, r: 10, sizes: [{ width: 80, height: 30 }] });
const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
const rim = (each, box) => Math.hypot(nearest(each, box)[0] - each.x, nearest(each, box)[1] - each.y) - each.r;

test("names that would lie on each other are pushed apart and stay in their order and room", () => {
  const found = spread([50, 51, 52, 10], 15, 0, 100);
  const sorted = [...found].sort((a, b) => a - b);
  for (let place = 1; place < sorted.length; place += 1) assert.ok(sorted[place] - sorted[place - 1] >= 15);
  assert.equal(found[3], 10);
  assert.ok(found[0] < found[1] && found[1] < found[2]);
  assert.ok(Math.max(...spread([99, 100, 100], 15, 0, 100)) <= 100);
});

test("what has room stays where it is wanted", () => {
  assert.deepEqual(spread([80, 20, 50], 15, 0, 100), [80, 20, 50]);
});

test("a name beside a point covers neither points nor other names where there is room", () => {
  const boxes = around([point(100, 100), point(130, 100), point(300, 200)], FRAME);
  for (const box of boxes) assert.ok(box);
  assert.ok(boxes.every((box, index) => boxes.slice(index + 1).every((other) => apart(box, other))));
  assert.deepEqual(boxes[2].anchor, "start");
});

test("a name at the edge stays in the frame", () => {
  const [box] = around([point(395, 150)], FRAME);
  assert.ok(box.right <= FRAME.right);
  assert.equal(box.anchor, "end");
});

test("in a crowd a name is nearest to its own point or left out, and the first that is always named is beside its own", () => {
  const crowd = Array.from({ length: 60 }, (_, index) => point(20 + (index % 10) * 36, 30 + Math.floor(index / 10) * 40));
  const found = around([{ ...crowd[34], always: true }, ...crowd.toSpliced(34, 1)], FRAME);
  assert.equal(found[0].gap, BESIDE);
  assert.ok(found.includes(null));

  const few = [[100, 60], [115, 75], [150, 70], [180, 66], [186, 92], [140, 120], [250, 60], [260, 90], [120, 100]].map(([x, y]) => point(x, y));
  const boxes = around(few, FRAME);
  assert.ok(boxes.filter(Boolean).length >= 5);
  boxes.forEach((box, index) => {
    if (!box) return;
    const away = few.map((each) => rim(each, box));
    assert.ok(away.every((far) => far >= 0));
    if (box.gap === BESIDE) assert.equal(away.indexOf(Math.min(...away)), index);
    else away.forEach((far, other) => assert.ok(other === index || far > BESIDE));
    assert.ok(boxes.every((other, place) => place === index || !other || apart(box, other)));
  });
});

test("the first name finds its place over its point where both sides are taken", () => {
  const first = { ...point(60, 150), sizes: [{ width: 85, height: 16 }], always: true };
  const others = [point(165, 150), point(95, 180), point(20, 185)];
  const [box] = around([first, ...others], FRAME);
  assert.equal(box.anchor, "middle");
  assert.ok(others.every((other) => rim(other, box) > rim(first, box)));
});

test("a name without room for its detail stands alone", () => {
  const walls = [{ left: 0, top: 0, right: 400, bottom: 90 }, { left: 0, top: 110, right: 400, bottom: 300 }];
  const sizes = [{ width: 80, height: 40 }, { width: 80, height: 16 }];
  const [tight] = around([{ x: 200, y: 100, r: 5, sizes, enough: 60 }], FRAME, walls);
  assert.equal(tight.height, 16);
  const [free] = around([{ x: 200, y: 100, r: 5, sizes, enough: 60 }], FRAME);
  assert.equal(free.height, 40);
});

test("axes end at round values and have few round ticks", () => {
  assert.deepEqual([step(10), step(11), step(47), step(0.4)].map((each) => Number(each.toPrecision(3))), [2, 2.5, 10, 0.1]);
  for (const top of [0.03, 1, 7.3, 99, 100, 101, 12345]) {
    const { end, ticks, pixel, value } = axis(top, 200);
    assert.ok(end >= top * 0.999 && ticks.length <= 6, `${top}`);
    assert.equal(ticks[0], 0);
    assert.ok(Math.abs(ticks.at(-1) - end) < end / 1e6);
    assert.ok(Math.abs(value(pixel(top)) - top) < top / 1e6);
  }
});

test("ticks are written with as many decimals as they need", () => {
  assert.deepEqual([axis(100, 1).digits, axis(10, 1).digits, axis(12, 1).digits, axis(1, 1).digits, axis(0.5, 1).digits], [0, 0, 1, 1, 1]);
});
