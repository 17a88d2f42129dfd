// Where the time goes: one bar a row, made of parts that follow each other, with the total at its end.
import { axisX, barX, gridX, ruleX, text } from "@observablehq/plot";
import { NARROW, drawing, key, widthOf } from "./frame.js";
import { axis } from "./scale.js";
import { number } from "../format.js";

const ROW = { wide: 34, narrow: 48 }; // px; narrow, the name stands above its bar
const NAMES = { most: 340, share: 0.42 }; // px, and of the width: longer ones are cut
const COLOURS = ["var(--line-strong)", "var(--chart-2)", "var(--chart-3)", "var(--chart-1)"];

export function split({ label, x, parts, rows }, width) {
  const narrow = width < NARROW;
  const widest = Math.max(...rows.map(({ name }) => widthOf(name, 550, 13)));
  const room = Math.min(NAMES.most, width * NAMES.share, widest);
  const left = narrow ? 1 : room + 16;
  const totals = rows.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const right = Math.max(...rows.map(({ total }) => widthOf(total, 600))) + 14;
  const scale = axis(Math.max(...totals) || 1, width - left - right, narrow ? 4 : 6);
  const pieces = rows.flatMap(({ values }, row) => values.map((value, part) => {
    const start = values.slice(0, part).reduce((sum, each) => sum + each, 0);
    return { row, part, start, end: start + value };
  })).filter(({ start, end }) => end > start);
  const height = rows.length * ROW[narrow ? "narrow" : "wide"] + 46;
  return [key(parts.map((name, part) => ({ name, stroke: COLOURS[part] }))), drawing(label, {
    width, height, marginTop: 4, marginBottom: 42, marginLeft: left, marginRight: right,
    x: { domain: [0, scale.end] },
    y: { type: "band", domain: rows.map((_, row) => row), padding: narrow ? 0.12 : 0.34, axis: null },
    marks: [
      gridX(scale.ticks, { stroke: "var(--line)", strokeOpacity: 1 }),
      axisX(scale.ticks, { label: x, labelAnchor: "center", labelArrow: "none", tickSize: 0, tickFormat: (value) => number(value, scale.digits) }),
      ...parts.map((_, part) => barX(pieces.filter((piece) => piece.part === part), {
        x1: "start", x2: "end", y: "row", fill: COLOURS[part], insetTop: narrow ? 18 : 0, insetRight: 1,
      })),
      ruleX([0], { stroke: "var(--line-strong)" }),
      text(rows, {
        x: 0, y: (_, row) => row, text: "name", textAnchor: narrow ? "start" : "end", dx: narrow ? 1 : -10, dy: narrow ? -14 : 0,
        fill: "var(--ink)", fontWeight: 550, fontSize: 13,
        ...(!narrow && widest > room ? { lineWidth: room / 13, textOverflow: "ellipsis-end" } : {}),
      }),
      text(rows, {
        x: (_, row) => totals[row], y: (_, row) => row, text: "total", textAnchor: "start", dx: 8, dy: narrow ? 9 : 0,
        fill: "var(--ink)", fontWeight: 600, stroke: "var(--surface)", strokeWidth: 4,
      }),
    ],
  })];
}
