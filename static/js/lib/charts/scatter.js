// Quality against time: a bubble for each model, its area the energy, the front drawn, a name where there is room.
import { axisX, axisY, dot, gridY, line, ruleX, ruleY, text } from "@observablehq/plot";
import { NARROW, drawing, element, widthOf } from "./frame.js";
import { BESIDE, around, nearest } from "./room.js";
import { axis } from "./scale.js";
import { number } from "../format.js";

const LARGEST = { wide: 26, narrow: 15 }; // px, the radius
const SMALLEST = 5;
const TOP = 46;
const BOTTOM = 48;
const LEFT = 50;
const NAME_SIZE = 13.5;
const NAME_HEIGHT = 16;
const ROOM_ENOUGH = 60; // px² that a name may cover of something else
const MANY = 8; // models, of which the intervals are in the table only: their lines would cross all names

const BARS = { stroke: "var(--ink-subtle)", strokeOpacity: 0.35 };
const LOOKS = {
  recommended: { fill: "var(--signal)", stroke: "var(--surface)" },
  front: { fill: "var(--chart-1)", stroke: "var(--surface)" },
  dominated: { fill: "var(--surface)", stroke: "var(--ink-subtle)", strokeDasharray: "4 3" },
};

// A point is {name, detail, x, xs: [low, high], y, ys, size, state, href, title}; the first state is drawn last.
export function scatter({ label, x, y, points, front, steps, words }, width) {
  const narrow = width < NARROW;
  const height = Math.round(Math.max(360, Math.min(500, width * 0.68)));
  const frame = { left: LEFT, top: TOP, right: width - 16, bottom: height - BOTTOM };
  const across = axis(Math.max(...points.map((point) => point.x)) * 1.08, frame.right - frame.left, narrow ? 4 : 5);
  const [low, high] = ends(points);
  const largest = Math.max(...points.map(({ size }) => size ?? 0), ...steps.map(([size]) => size));
  const most = LARGEST[narrow ? "narrow" : "wide"];
  const radius = (size) => Math.max(SMALLEST, size && largest ? Math.sqrt(size / largest) * most : most / 3);
  const [wide, tall] = [frame.right - frame.left, frame.bottom - frame.top];
  const toX = (pixel) => ((pixel - frame.left) / wide) * across.end;
  const toY = (pixel) => low + ((frame.bottom - pixel) / tall) * (high - low);
  const left = (value) => frame.left + (value / across.end) * wide;
  const topOf = (value) => frame.bottom - ((value - low) / (high - low)) * tall;
  const placed = points.map((point) => ({
    ...point, r: radius(point.size), left: left(point.x), top: topOf(point.y), bars: [point.xs?.map(left), point.ys?.map(topOf)],
  }));
  const barred = !narrow && points.length <= MANY;
  const sure = barred ? points.filter(({ state }) => state !== "dominated") : []; // other intervals: in the table
  const ideal = narrow && points.length > MANY ? [] : [words.ideal];
  const names = named(placed, frame, { narrow, barred, toX, toY, front: front.map(([at, value]) => [left(at), topOf(value)]), note: words.front, ideal });
  const svg = drawing(label, {
    width, height, marginTop: TOP, marginRight: 16, marginBottom: BOTTOM, marginLeft: LEFT,
    x: { domain: [0, across.end] },
    y: { domain: [low, high] },
    r: { type: "identity" },
    marks: [
      gridY(range(low, high), { stroke: "var(--line)", strokeOpacity: 1 }),
      axisY(range(low, high), { tickSize: 0, label: y, labelAnchor: "center", labelArrow: "none", labelOffset: 44 }),
      axisX(across.ticks, { tickSize: 5, tickFormat: (value) => number(value, across.digits), label: x, labelAnchor: "center", labelArrow: "none" }),
      ruleY([low], { stroke: "var(--line-strong)" }),
      ruleX(sure.filter(({ ys }) => ys), { x: "x", y1: ({ ys }) => Math.max(low, ys[0]), y2: ({ ys }) => Math.min(high, ys[1]), ...BARS }),
      ruleY(sure.filter(({ xs }) => xs), { y: "y", x1: ({ xs }) => xs[0], x2: ({ xs }) => Math.min(across.end, xs[1]), ...BARS }),
      line(front, { x: "0", y: "1", stroke: "var(--ink-muted)", strokeWidth: 1.75 }),
      ...names.slice(0, 1),
      ...Object.entries(LOOKS).toReversed().map(([state, look]) => dot(placed.filter((point) => point.state === state), {
        x: "x", y: "y", r: "r", strokeWidth: 1.5, href: "href", title: "title", ...look,
      })),
      dot(placed.filter(({ state }) => state === "recommended"), { x: "x", y: "y", r: ({ r }) => r + 5, stroke: "var(--signal)", strokeWidth: 1.5 }),
      ...names.slice(1),
      text(ideal, { frameAnchor: "top-left", dx: 14, dy: 14, text: (each) => `↖ ${each}`, className: "plot__note" }),
      ...sizes(narrow ? steps.filter((_, index) => index !== 1) : steps, radius, words.size),
    ],
  });
  svg.setAttribute("role", "group"); // its bubbles are links
  return [svg, told(svg)];
}

// What the bubble under the pointer or with the focus is, in words below: not each one has room for its name. Who listens
// hears it as the link's own name.
function told(svg) {
  const line = document.createElement("p");
  line.className = "chart__told";
  line.setAttribute("aria-hidden", "true");
  const tell = ({ target, type }) => {
    const title = ["mouseover", "focusin"].includes(type) && target.closest("a")?.querySelector("title");
    line.textContent = title ? title.textContent : "";
  };
  for (const type of ["mouseover", "mouseout", "focusin", "focusout"]) svg.addEventListener(type, tell);
  return line;
}

// Tens around the qualities, so that differences are seen; at least thirty points of them.
function ends(points) {
  const values = points.map(({ y }) => y);
  const high = Math.min(100, Math.ceil((Math.max(...values) + 4) / 10) * 10);
  return [Math.max(0, Math.min(high - 30, Math.floor((Math.min(...values) - 6) / 10) * 10)), high];
}

const range = (low, high) => Array.from({ length: (high - low) / 10 + 1 }, (_, index) => low + index * 10);

// What names must not cover: the intervals, and the front, as a string of small boxes.
function obstacles(placed, front, { frame, ideal, barred }) {
  const sure = barred ? placed.filter(({ state }) => state !== "dominated") : [];
  const bars = sure.flatMap(({ left, top, bars: [across, up] }) => [
    across && { left: across[0], right: across[1], top: top - 1, bottom: top + 1 },
    up && { left: left - 1, right: left + 1, top: up[1], bottom: up[0] },
  ]).filter(Boolean);
  const beads = front.slice(1).flatMap(([x, y], index) => {
    const [fromX, fromY] = front[index];
    const count = Math.ceil(Math.hypot(x - fromX, y - fromY) / 6);
    return Array.from({ length: count }, (_, bead) => [fromX + ((x - fromX) * bead) / count, fromY + ((y - fromY) * bead) / count]);
  }).map(([x, y]) => ({ left: x - 2, right: x + 2, top: y - 2, bottom: y + 2 }));
  const notes = ideal.map((words) => ({ left: frame.left, right: frame.left + 30 + widthOf(words, 400, 15), top: frame.top, bottom: frame.top + 24 }));
  return [...bars, ...beads, ...notes];
}

// Names and details around the bubbles: those that matter most choose their place first. Where there is no room for both,
// the name stands alone, and a bubble without room stays without words (its link and its row have them).
function named(placed, frame, { narrow, barred, toX, toY, front, note, ideal }) {
  const order = Object.keys(LOOKS);
  const sorted = placed.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const circles = sorted.map((point) => ({
    x: point.left, y: point.top, r: point.r + (point.state === "recommended" ? 5 : 0), enough: ROOM_ENOUGH,
    always: point.state === "recommended", sizes: sizesOf(point, narrow),
  }));
  const found = around(circles, frame, obstacles(placed, front, { frame, ideal, barred }));
  const boxes = found.filter(Boolean);
  const labels = found.flatMap((box, index) => box ? [{
    ...sorted[index], anchor: box.anchor, gap: box.gap, to: nearest(circles[index], box), alone: box.height < 2 * NAME_HEIGHT,
    x: toX({ start: box.left, middle: (box.left + box.right) / 2, end: box.right }[box.anchor]), y: toY(box.top + NAME_HEIGHT / 2),
  }] : []);
  const far = labels.filter(({ gap }) => gap > BESIDE);
  return [() => leads(far), ...["start", "middle", "end"].flatMap((anchor) => {
    const those = labels.filter((each) => each.anchor === anchor);
    const place = { x: "x", y: "y", textAnchor: anchor, stroke: "var(--surface)", strokeWidth: 3 };
    return [
      text(those, { ...place, text: "name", fill: "var(--ink)", fontWeight: 600, fontSize: NAME_SIZE }),
      ...(narrow ? [] : [text(those.filter(({ alone }) => !alone), { ...place, text: "detail", dy: NAME_HEIGHT, fill: "var(--ink-subtle)" })]),
    ];
  }), ...(narrow ? [] : frontNote(front, boxes, { toX, toY, note }))];
}

const leads = (far) => element("g", { "aria-hidden": "true", stroke: "var(--ink-subtle)", "stroke-opacity": 0.6 },
  ...far.map(({ left, top, to: [x2, y2] }) => element("line", { x1: left, y1: top, x2, y2 })));

// The name with its detail below, else the name alone.
function sizesOf({ name, detail }, narrow) {
  const alone = { width: widthOf(name, 600, NAME_SIZE), height: NAME_HEIGHT };
  return narrow ? [alone] : [{ width: Math.max(alone.width, widthOf(detail)), height: 2 * NAME_HEIGHT }, alone];
}

// Over the front's longest part, which always rises, to the left of its middle: where no name is.
function frontNote(front, boxes, { toX, toY, note }) {
  const parts = front.slice(1).map(([x, y], index) => ({ length: x - front[index][0], x: (x + front[index][0]) / 2, y: (y + front[index][1]) / 2 }));
  const { length, x, y } = parts.reduce((a, b) => (b.length > a.length ? b : a), { length: 0 });
  const wide = widthOf(note, 400, 15);
  const right = x - 4;
  const covered = boxes.some((box) => box.left < right && box.right > right - wide && box.top < y && box.bottom > y - 24);
  if (covered || length < wide * 1.25) return [];
  return [text([note], {
    x: toX(right), y: toY(y - 12), text: String, textAnchor: "end", className: "plot__note", fill: "var(--ink-muted)",
    stroke: "var(--surface)", strokeWidth: 3,
  })];
}

// Three areas and what they stand for, above the drawing.
function sizes(steps, radius, words) {
  let right = 4;
  const marks = [];
  for (const [size, name] of steps.toReversed()) {
    marks.push(text([name], { frameAnchor: "top-right", dx: -right, dy: -22, lineAnchor: "middle", text: String, fill: "var(--ink-muted)" }));
    right += widthOf(name) + radius(size) + 8;
    marks.push(dot([size], { frameAnchor: "top-right", dx: -right, dy: -22, r: radius(size), stroke: "var(--ink-subtle)" }));
    right += radius(size) + 14;
  }
  return steps.length ? [...marks, text([words], { frameAnchor: "top-right", dx: -right, dy: -22, lineAnchor: "middle", text: String, fill: "var(--ink-muted)" })] : [];
}
