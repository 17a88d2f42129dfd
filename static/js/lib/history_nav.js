// The browser's history and its other pages: the address follows the conversation; an address that this page does not
// show, or a page kept by the browser, is drawn again by the server; what another page of this browser added is shown.
import { listen } from "./listen.js";

export function followHistory(conversation) {
  const others = new BroadcastChannel("conversations");
  let isBehind = false;

  // What the form of « New conversation » leaves of its address.
  if (location.href.endsWith("?")) history.replaceState(history.state, "", location.pathname);

  // Not before somebody looks, as an answer that is followed holds one of the browser's few connections; nor while one
  // is written here.
  const catchUp = () => {
    if (!isBehind || document.hidden || conversation.isBusy) return;
    isBehind = false;
    conversation.catchUp();
  };
  others.onmessage = ({ data }) => {
    isBehind ||= data === conversation.url;
    catchUp();
  };
  listen(conversation, {
    saved: ({ isNew }) => {
      if (location.pathname !== conversation.url) history.pushState({}, "", conversation.url);
      if (isNew) others.postMessage(conversation.url);
    },
    over: catchUp,
  });
  document.addEventListener("visibilitychange", catchUp);

  const check = (event) => { if (event.persisted || location.pathname !== conversation.url) location.reload(); };
  addEventListener("popstate", check);
  addEventListener("pageshow", check);
}
