// Weights that are a hundred together: one is moved, the others give or take in their proportions.
export const STEP = 5;

// The weights after the one at `index` was put to `value`; all are steps of five.
export function balanced(weights, index, value) {
  const wanted = Math.min(100, Math.max(0, Math.round(value / STEP) * STEP));
  const rest = weights.map((weight, each) => (each === index ? 0 : weight));
  const sum = rest.reduce((total, weight) => total + weight, 0);
  const room = 100 - wanted;
  const shares = rest.map((weight, each) => (each === index ? 0 : sum ? (weight / sum) * room : room / (weights.length - 1)));
  const found = shares.map((share) => Math.floor(share / STEP) * STEP);
  found[index] = wanted;
  // What rounding left over goes to those that lost most by it.
  const order = shares.map((share, each) => [share - found[each], each]).filter(([, each]) => each !== index).sort(([a], [b]) => b - a);
  for (let left = (100 - found.reduce((total, weight) => total + weight, 0)) / STEP, place = 0; left > 0; left -= 1, place += 1) {
    found[order[place % order.length][1]] += STEP;
  }
  return found;
}
