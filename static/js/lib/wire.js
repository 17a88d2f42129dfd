// Names that the browser and the server share on the wire; a test compares them with Python's.
export const EVENTS = ["accepted", "queued", "loading", "part", "reading", "context", "thinking", "text", "done"];

export const STATUSES = ["queued", "running", "done", "stopped", "interrupted", "failed"];

export const isActive = (status) => status === "queued" || status === "running";
