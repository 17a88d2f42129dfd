// Finds room for words: labels in a column pushed apart, and labels around points, each at its own point or nowhere.

// Positions nearest to the wanted ones that stay `gap` apart and between `from` and `to`, in the same order.
export function spread(wanted, gap, from, to) {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b]);
  const placed = [];
  for (const index of order) placed.push({ index, at: Math.max(wanted[index], placed.length ? placed.at(-1).at + gap : from) });
  // What was pushed out at the end pushes back.
  let limit = to;
  for (const each of placed.toReversed()) {
    each.at = Math.min(each.at, limit);
    limit = each.at - gap;
  }
  const found = Array(wanted.length);
  for (const { index, at } of placed) found[index] = at;
  return found;
}

const overlap = (a, b) =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));

const OUTSIDE = 100; // a pixel outside is as bad as so many that are covered
// Around a point of radius r: right, left, below, above, then the corners, then below and above with the point under a part.
const AROUND = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1], [0.5, 1], [0.5, -1], [-0.5, 1], [-0.5, -1]];
export const BESIDE = 6; // px between a point and a name that needs no line to it
const FURTHER = [20, 34, 50]; // px, with a line
const CLEAR = 4; // px that a name is nearer to its own point than to any other; and a name with a line from the others
const BEAD = 3; // px, the steps in which a line is looked along

function box({ x, y, r }, { width, height }, [dx, dy], gap, frame) {
  const reach = r + gap;
  const aside = Math.abs(dx) === 1;
  const diagonal = aside && dy ? 0.75 : 1;
  const left = aside ? x + dx * reach * diagonal - (dx < 0 ? width : 0)
    : Math.max(frame.left, Math.min(x + (dx - 1) * (width / 2), frame.right - width));
  const top = dy ? y + dy * reach * diagonal - (dy < 0 ? height : 0) : y - height / 2;
  return { left, top, right: left + width, bottom: top + height, height, gap, anchor: aside ? (dx > 0 ? "start" : "end") : "middle" };
}

const outside = (label, frame) =>
  Math.max(0, frame.left - label.left) + Math.max(0, label.right - frame.right)
  + Math.max(0, frame.top - label.top) + Math.max(0, label.bottom - frame.bottom);

// Where a box is nearest to a point, and how far its edge is from the point's rim.
export const nearest = ({ x, y }, { left, right, top, bottom }) => [Math.max(left, Math.min(x, right)), Math.max(top, Math.min(y, bottom))];
function distance(point, label) {
  const [x, y] = nearest(point, label);
  return Math.hypot(x - point.x, y - point.y) - point.r;
}

// The line from a point to its name, as a string of small boxes.
function beads(point, label) {
  const [x, y] = nearest(point, label);
  const length = Math.hypot(x - point.x, y - point.y);
  const count = Math.floor((length - point.r) / BEAD);
  return Array.from({ length: count }, (_, index) => {
    const part = (point.r + index * BEAD) / length;
    const [atX, atY] = [point.x + (x - point.x) * part, point.y + (y - point.y) * part];
    return { left: atX - 1, right: atX + 1, top: atY - 1, bottom: atY + 1 };
  });
}

// One box for each point {x, y, r, sizes, enough, always}, those that come first choosing first, or null where there is no
// room: a name beside another point, or on one, would name the wrong one. The first of its `sizes` that has room beside the
// point is taken, else the first that has room further away; it covers no more than `enough` px² of the `obstacles`.
// A point that is `always` named has its last size beside it even where no place is free.
export function around(points, frame, obstacles = []) {
  const names = []; // and the lines to them
  return points.map((point) => {
    const found = free(point) ?? (point.always ? least(point) : null);
    if (found) names.push(found, ...(found.gap > BESIDE ? beads(point, found) : []));
    return found;
  });

  function free(point) {
    for (const gaps of [[BESIDE], FURTHER]) {
      for (const size of point.sizes) {
        const tried = gaps.flatMap((gap) => AROUND.map((side) => box(point, size, side, gap, frame))).filter((label) => fits(point, label));
        const costs = tried.map((label, rank) => obstacles.reduce((sum, each) => sum + overlap(label, each), rank / 10));
        const cheapest = Math.min(...costs);
        if (cheapest <= (point.enough ?? 0) + AROUND.length * FURTHER.length / 10) return tried[costs.indexOf(cheapest)];
      }
    }
    return null;
  }

  function fits(point, label) {
    const others = points.filter((other) => other !== point);
    if (outside(label, frame) || names.some((name) => overlap(name, label))) return false;
    const away = Math.min(distance(point, label), BESIDE) + CLEAR;
    if (others.some((other) => distance(other, label) < away)) return false;
    return label.gap === BESIDE || !beads(point, label).some((bead) =>
      names.some((name) => overlap(name, bead)) || others.some((other) => distance(other, bead) < 1));
  }

  function least(point) {
    const cost = (label) => outside(label, frame) * OUTSIDE
      + points.reduce((sum, other) => sum + Math.max(0, BESIDE - distance(other, label)) ** 2, 0)
      + names.reduce((sum, name) => sum + overlap(label, name), 0);
    return AROUND.map((side) => box(point, point.sizes.at(-1), side, BESIDE, frame)).reduce((a, b) => (cost(b) < cost(a) ? b : a));
  }
}
