// The way back after a conversation was deleted, also across the change of page that follows.
import { shortened } from "./format.js";
import { request } from "./http.js";
import { toast } from "./notices.js";
import { sentence } from "./problems.js";
import { t } from "./texts.js";

const SECONDS = 8;
const KEY = "deleted";

export function offerUndo({ id, title }, { undone, gone = () => {}, seconds = SECONDS }) {
  const run = async () => {
    try {
      await request(`/api/conversations/${id}`, { method: "PATCH", body: { deleted: false } });
      undone();
    } catch (error) {
      toast(sentence(error));
    }
  };
  toast(t("deleted", { title: shortened(title) }), { action: { label: t("undo"), run }, seconds, gone });
}

export function keepForNextPage(removed) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...removed, until: Date.now() + SECONDS * 1000 }));
  } catch {
    // without storage the conversation is deleted all the same; only the way back is missing
  }
}

export function offerKept() {
  try {
    const removed = JSON.parse(sessionStorage.getItem(KEY));
    sessionStorage.removeItem(KEY);
    const seconds = Math.ceil((removed?.until - Date.now()) / 1000);
    if (seconds > 0) offerUndo(removed, { seconds, undone: () => location.assign(`/c/${removed.id}`) });
  } catch {
    // forbidden or foreign storage: nothing to offer
  }
}
