// Finds room for words: labels in a column pushed apart, and labels around points that cover nothing.

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
// Around a point of radius r: right, left, below, above, then the corners; then the same further away.
const AROUND = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]];
export const BESIDE = 6; // px between a point and a name that needs no line to it
const SIDES = [BESIDE, 22, 40].flatMap((gap) => AROUND.map(([dx, dy]) => [dx, dy, gap]));

function box({ x, y, r }, { width, height }, [dx, dy, gap]) {
  const reach = r + gap;
  const diagonal = dx && dy ? 0.75 : 1;
  const left = dx ? x + dx * reach * diagonal - (dx < 0 ? width : 0) : x - width / 2;
  const top = dy ? y + dy * reach * diagonal - (dy < 0 ? height : 0) : y - height / 2;
  return { left, top, right: left + width, bottom: top + height, height, gap, anchor: dx > 0 ? "start" : dx < 0 ? "end" : "middle" };
}

const outside = (label, frame) =>
  Math.max(0, frame.left - label.left) + Math.max(0, label.right - frame.right)
  + Math.max(0, frame.top - label.top) + Math.max(0, label.bottom - frame.bottom);

// One box for each point {x, y, r, sizes, enough}, those that come first choosing first: of the first of its `sizes` that
// covers no more than `enough`, else of the last; `covered` px² of it are taken.
export function around(points, frame, obstacles = []) {
  const taken = [...points.map(({ x, y, r }) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r })), ...obstacles];
  return points.map((point) => {
    const best = point.sizes.reduce((found, size) => (found && found.covered <= (point.enough ?? 0) ? found : least(point, size)), null);
    taken.push(best);
    return best;
  });

  function least(point, size) {
    const tried = SIDES.map((side, rank) => {
      const label = box(point, size, side);
      const covered = taken.reduce((sum, other) => sum + overlap(label, other), 0) + outside(label, frame) * OUTSIDE;
      return { ...label, covered, cost: covered + rank };
    });
    return tried.reduce((a, b) => (b.cost < a.cost ? b : a));
  }
}
