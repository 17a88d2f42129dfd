// Tells the server that the end of the open conversation was seen, once it is before somebody's eyes.
import { listen } from "./listen.js";

export function markRead(conversation) {
  const mark = () => { if (document.visibilityState === "visible") conversation.markSeen(); };
  listen(conversation, { over: mark });
  document.addEventListener("visibilitychange", mark);
  mark();
}
