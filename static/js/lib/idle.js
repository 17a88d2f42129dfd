// Does something when the browser has nothing better to do; where it cannot say when that is, after a frame.
const FRAME = 16; // ms

// Returns what calls it off.
export function whenIdle(action) {
  if (window.requestIdleCallback) {
    const id = requestIdleCallback(action);
    return () => cancelIdleCallback(id);
  }
  const id = setTimeout(action, FRAME);
  return () => clearTimeout(id);
}
