// Listens to several events of one object; a handler gets the event's detail. Returns what ends the listening.
export function listen(target, handlers) {
  const ending = new AbortController();
  for (const [name, handle] of Object.entries(handlers)) {
    target.addEventListener(name, ({ detail }) => handle(detail), { signal: ending.signal });
  }
  return () => ending.abort();
}
