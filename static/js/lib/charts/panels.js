// What happened over time: panels on the same seconds, one under another, with the phases of the answer above.
import { axisX, axisY, gridY, line, ruleX, ruleY, text } from "@observablehq/plot";
import { NARROW, clothes, drawing, widthOf } from "./frame.js";
import { spread } from "./room.js";
import { axis } from "./scale.js";
import { number } from "../format.js";

const HEIGHT = 190;
const TOP = 44;
const BOTTOM = 30;

// A panel is {label, y, top, lines: [{name, points: [[seconds, value], …]}]}; a phase {name, from, to}.
export function panels({ panels: all, phases, x }, width) {
  const end = Math.max(...all.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([at]) => at))), ...phases.map(({ to }) => to));
  const names = all.flatMap(({ lines }) => lines.map(({ name }) => name));
  const right = Math.max(...names.map((name) => widthOf(name, 550))) + 18;
  return all.map((panel, index) => one(panel, { end, phases, x: index === all.length - 1 ? x : null, right, width }));
}

function one({ label, y, top, lines }, { end, phases, x, right, width }) {
  const bottom = x ? BOTTOM + 16 : BOTTOM;
  const room = HEIGHT - TOP - BOTTOM;
  const scale = axis(top ?? Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value))), room, 4);
  const shown = phases.filter(({ from, to }) => ((to - from) / end) * (width - right - 44) > 4);
  return drawing(label, {
    width, height: TOP + room + bottom, marginTop: TOP, marginBottom: bottom, marginLeft: 44, marginRight: right,
    x: { domain: [0, end] },
    y: { domain: [0, scale.end] },
    marks: [
      gridY(scale.ticks, { stroke: "var(--line)", strokeOpacity: 1 }),
      ruleX(shown.slice(1), { x: "from", stroke: "var(--line-strong)", strokeDasharray: "2 3" }),
      text(shown.filter(({ name, from, to }) => widthOf(name) < ((to - from) / end) * (width - right - 44)), {
        x: ({ from, to }) => (from + to) / 2, text: "name", frameAnchor: "top", lineAnchor: "bottom", dy: -7, fill: "var(--ink-subtle)",
      }),
      axisY(scale.ticks, { tickSize: 0, tickFormat: (value) => number(value, scale.digits), label: y, labelArrow: "none", labelOffset: 44 }),
      axisX({ label: x, labelAnchor: "center", labelArrow: "none", tickSize: 4, ticks: width < NARROW ? 4 : 8, tickFormat: (value) => number(value, end < (width < NARROW ? 4 : 8) ? 1 : 0) }),
      ruleY([0], { stroke: "var(--line-strong)" }),
      ...lines.map(({ points }, index) => line(points, {
        x: "0", y: "1", stroke: clothes(index).stroke, strokeWidth: 1.75, strokeDasharray: index ? "5 3" : undefined, curve: "step-after",
      })),
      names(lines, end, scale, room),
    ],
  });
}

function names(lines, x, { pixel, value }, room) {
  const at = spread(lines.map(({ points }) => pixel(points.at(-1)[1])), 15, 0, room).map(value);
  const all = lines.map(({ name }, index) => ({ x, name, at: at[index], fill: clothes(index).stroke }));
  return text(all, { x: "x", y: "at", text: "name", fill: "fill", textAnchor: "start", dx: 8, fontWeight: 550 });
}
