// Round ends of axes, and where a value lies on them before anything is drawn.

// The smallest of 1, 2, 2.5, 5 × a power of ten of which `count` steps reach the value.
export function step(top, count = 5) {
  const power = 10 ** Math.floor(Math.log10(top / count));
  return [1, 2, 2.5, 5, 10].find((each) => each * power * count >= top * 0.999) * power;
}

// An axis from zero: its end, its ticks, and values to pixels and back.
export function axis(top, height, count = 5) {
  const each = step(top, count);
  const end = Math.ceil((top * 0.999) / each) * each;
  return {
    end,
    ticks: Array.from({ length: Math.round(end / each) + 1 }, (_, index) => index * each),
    digits: Math.max(0, -Math.floor(Math.log10(each) + 1e-9) + (each / 10 ** Math.floor(Math.log10(each)) === 2.5 ? 1 : 0)),
    pixel: (value) => height * (1 - value / end),
    value: (pixel) => end * (1 - pixel / height),
  };
}
