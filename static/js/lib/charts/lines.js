// A figure against steps (lengths, threads, people, versions): a line for each series, named at its end.
import { axisX, axisY, dot, gridY, line, ruleX, ruleY, text } from "@observablehq/plot";
import { NARROW, clothes, drawing, element, key, widthOf } from "./frame.js";
import { spread } from "./room.js";
import { axis } from "./scale.js";
import { number } from "../format.js";

const HEIGHT = 320; // px, or what the series need
const TOP = 32;
const BOTTOM = 46;
const NAME_HEIGHT = 15;
const SERIES_HEIGHT = 28; // beside a chart of many series its table is as high
const REACH = 26; // px from the last point to its name, with room for the line that leads there
const NAMES = 0.38; // of the width; where names need more, they stand above the drawing

// A point is [index of the step, value, low, high].
export function lines({ label, x, y, ticks, series, alerts = [] }, width) {
  const names = series.map(({ name }) => name);
  const longest = Math.max(...names.map((name) => widthOf(name, 550))) + REACH + 8;
  const narrow = width < NARROW || longest > width * NAMES;
  const room = Math.max(HEIGHT - TOP - BOTTOM, narrow ? 0 : series.length * SERIES_HEIGHT);
  const scale = axis(Math.max(...series.flatMap(({ points }) => points.map(([, value, , high]) => high ?? value))) || 1, room);
  const svg = drawing(label, {
    width, height: room + TOP + BOTTOM, marginTop: TOP, marginBottom: BOTTOM, marginLeft: 44,
    marginRight: narrow ? 12 : longest,
    x: { type: "point", domain: ticks, padding: ticks.length > 1 ? 0.08 : 0.5 },
    y: { domain: [0, scale.end] },
    marks: [
      gridY(scale.ticks, { stroke: "var(--line)", strokeOpacity: 1 }),
      axisY(scale.ticks, { tickSize: 0, tickFormat: (value) => number(value, scale.digits), label: y, labelArrow: "none", labelOffset: 44 }),
      axisX({ label: x, labelAnchor: "center", labelArrow: "none", tickSize: 4 }),
      ruleY([0], { stroke: "var(--line-strong)" }),
      ...series.flatMap(({ points }, index) => one(points.map(([at, ...rest]) => [ticks[at], ...rest]), clothes(index))),
      ...(narrow ? [] : ends(series, ticks.at(-1), scale, room)),
      ...alerts.flatMap(({ at, value, words }) => alarm([[ticks[at], value]], words)),
    ],
  });
  return narrow && series.length > 1 ? [key(names.map((name, index) => ({ name, ...clothes(index) }))), svg] : [svg];
}

function one(points, { stroke, symbol, dash }) {
  return [
    ruleX(points.filter(([, , low]) => low != null), { x: "0", y1: "2", y2: "3", stroke, strokeOpacity: 0.45, strokeWidth: 1.5 }),
    line(points, { x: "0", y: "1", stroke, strokeWidth: 2, strokeDasharray: dash ?? undefined }),
    dot(points, { x: "0", y: "1", fill: stroke, stroke: "var(--surface)", strokeWidth: 1, symbol, r: 4.5 }),
  ];
}

const alarm = (point, words) => [
  dot(point, { x: "0", y: "1", r: 9, stroke: "var(--danger)", strokeWidth: 2 }),
  text(point, { x: "0", y: "1", text: () => words, textAnchor: "end", dx: 9, dy: -19, fill: "var(--danger)", fontWeight: 600, stroke: "var(--surface)", strokeWidth: 4 }),
];

function ends(series, x, { pixel, value }, room) {
  const last = series.map(({ points }) => pixel(points.at(-1)[1]));
  const at = spread(last, NAME_HEIGHT, 0, room - 6);
  const names = series.map(({ name }, index) => ({ x, name, at: value(at[index]), fill: clothes(index).stroke }));
  const place = { x: "x", y: "at", textAnchor: "start", dx: REACH, fontWeight: 550, stroke: "var(--surface)", strokeWidth: 3 };
  return [(_index, { x: across }) => leaders(across(x), last, at), text(names, { ...place, text: "name", fill: "fill" })];
}

// From each last point to its name: where names were pushed apart, nothing else tells whose they are.
function leaders(x, last, at) {
  const drawn = last.map((from, index) => element("polyline", {
    points: `${x + 7},${TOP + from} ${x + 11},${TOP + from} ${x + REACH - 7},${TOP + at[index]} ${x + REACH - 3},${TOP + at[index]}`,
    stroke: clothes(index).stroke, "stroke-opacity": 0.6, fill: "none",
  }));
  return element("g", { "aria-hidden": "true" }, ...drawn);
}
