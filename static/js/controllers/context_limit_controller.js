// The ways on, beside the line above which the model no longer reads: a summary, a new start from one, or neither.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { isLong } from "../lib/pasted_texts.js";
import { listen } from "../lib/listen.js";
import { focusMessageBox } from "../lib/message_box.js";
import { toast } from "../lib/notices.js";
import { t } from "../lib/texts.js";

let declinedAt = 0; // the line comes and goes: how many messages were left out when the person wanted none of this

export default class extends Controller {
  static targets = ["choices"];

  connect() {
    if (conversation.leftOut?.count === declinedAt) this.choicesTarget.remove();
  }

  summarise() {
    conversation.send({ content: t("summary_question") });
  }

  beginAnew() {
    toast(t("summary_coming"));
    beginWithSummary();
    this.summarise();
  }

  // They come back where the line moves on.
  decline() {
    declinedAt = conversation.leftOut.count;
    this.choicesTarget.remove();
    focusMessageBox();
  }
}

let stopWaiting = () => {};

// Waits for the summary; other answers may end before it.
function beginWithSummary() {
  stopWaiting();
  stopWaiting = listen(conversation, {
    over: ({ answer, status }) => {
      if (conversation.questionOf(answer)?.content !== t("summary_question")) return;
      stopWaiting();
      const { content } = answer.run.state;
      if (status === "done" && content) beginWith(content);
      else toast(t("summary_failed"));
    },
  });
}

function beginWith(summary) {
  const isBeside = isLong(summary);
  const text = isBeside ? t("summary_lead") : `${t("summary_lead")}\n\n${summary}`;
  if (conversation.prepareNew(text, isBeside ? [summary] : [])) location.assign("/");
  else toast(t("draft_memory"));
}
