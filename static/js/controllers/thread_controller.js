// The turns of the conversation, as its model has them; their scrolling; the line above which the language model no longer
// reads.
import { Controller } from "@hotwired/stimulus";
import { conversation } from "../conversation.js";
import { Autoscroll } from "../lib/autoscroll.js";
import { followDeepLink } from "../lib/deep_link.js";
import { countWords } from "../lib/format.js";
import { LazyHistory } from "../lib/lazy_history.js";
import { listen } from "../lib/listen.js";
import { announce, toast } from "../lib/notices.js";
import { sentence } from "../lib/problems.js";
import { t, tn } from "../lib/texts.js";
import { articleOf, newTurn, numberTurn, turnsIn } from "../lib/turns.js";
import { showVersions } from "../lib/versions.js";

const AT_ONCE = 3; // turns of another branch that are completed before anything is painted

export default class extends Controller {
  static targets = ["scroller", "content", "spacer", "follow", "following", "topbar", "leftOut"];

  connect() {
    // Looked for once: scrolling asks often.
    this.parts = { follow: this.followTarget, words: this.followingTargets, topbar: this.topbarTarget };
    const stillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.scroll = new Autoscroll({
      scroller: this.scrollerTarget,
      spacer: this.spacerTarget,
      turns: this.contentTarget.children,
      still: () => stillness.matches,
      changed: this.#showPlace,
    });
    this.line = this.contentTarget.querySelector(".left-out"); // the history's has no ways on
    this.#drawLeftOut();
    this.history = new LazyHistory(this.scrollerTarget, this.contentTarget);
    this.history.start();
    this.unlisten = listen(conversation, {
      messages: ({ keepPlace }) => this.#show(keepPlace),
      asked: ({ question }) => question && this.scroll.placeAtTop(articleOf(question)),
      saved: ({ isNew, question }) => isNew && question && announce(t("announce_sent")),
      activity: () => this.#lockVersions(),
      context: () => this.#drawLeftOut(),
      over: ({ answer, status }) => this.#announceEnd(answer, status),
      failed: ({ error }) => toast(sentence(error)),
    });
    // Its first call comes once the end of the conversation is rendered, before anything is painted.
    let begin = () => { this.scroll.jumpToEnd(); begin = null; };
    this.sizes = new ResizeObserver(() => (begin ?? (() => this.scroll.resized()))());
    this.sizes.observe(this.contentTarget);
    this.sizes.observe(this.scrollerTarget);
    document.addEventListener("selectionchange", this.#selecting);
    const link = { land: (turn) => this.scroll.startAt(turn), print: () => window.print() };
    followDeepLink(link).catch((error) => toast(sentence(error)));
  }

  disconnect() {
    this.unlisten();
    this.history.stop();
    this.sizes.disconnect();
    document.removeEventListener("selectionchange", this.#selecting);
    this.scroll.dispose();
  }

  // What is about to grow is looked at: the end is not followed.
  hold() {
    this.scroll.unpin();
  }

  // For paper, and for the browser's own search.
  completeAll() {
    this.history.completeAll();
  }

  // The button goes when the end is reached: whoever pressed it goes on from the last turn.
  follow() {
    this.scroll.follow();
    this.contentTarget.lastElementChild?.focus({ preventScroll: true });
  }

  scrolled() {
    this.scroll.scrolled();
  }

  touch({ type }) {
    this.scroll.touching = type === "touchstart";
  }

  #show(keepPlace) {
    if (keepPlace) this.scroll.exchange(() => this.#exchange());
    else this.#draw();
    this.element.classList.toggle("is-empty", conversation.isEmpty);
  }

  // Returns the first turn that is new.
  #exchange() {
    const fresh = this.#draw();
    this.history.renew(fresh.slice(0, AT_ONCE));
    return fresh[0];
  }

  // Puts the turns of the messages into the page, and takes the others out; returns those that were made.
  #draw() {
    const fresh = [];
    const turns = conversation.messages.map((message) => {
      const known = articleOf(message);
      if (known) numberTurn(known, message);
      else fresh.push(newTurn(message));
      return known ?? fresh.at(-1);
    });
    const kept = new Set(turns);
    for (const turn of turnsIn(this.contentTarget)) if (!kept.has(turn)) turn.remove();
    this.contentTarget.append(...turns.filter((turn) => !turn.isConnected));
    this.#drawLeftOut();
    return fresh;
  }

  // Drawn anew only where it moves: somebody may be about to press what stands in it.
  #drawLeftOut() {
    const limit = conversation.leftOut;
    const turn = limit && articleOf(conversation.messages.find(({ id }) => id === limit.first_read));
    const words = turn && [tn("left_out", limit.count), limit.unread?.length ? tn("left_out_documents", limit.unread.length, { names: limit.unread.join(", ") }) : ""];
    if (turn && this.line?.nextElementSibling === turn && this.lineWords === words.join()) return;
    this.line?.remove();
    this.line = null;
    if (!turn) return;
    this.line = this.leftOutTarget.content.firstElementChild.cloneNode(true);
    this.lineWords = words.join();
    ["words", "unread"].forEach((part, index) => { this.line.querySelector(`[data-part=${part}]`).textContent = words[index]; });
    turn.before(this.line);
  }

  // While an answer is written the branch stays.
  #lockVersions() {
    for (const control of this.contentTarget.querySelectorAll(".versions")) {
      showVersions(control.closest(".turn"), conversation.isBusy);
    }
  }

  #announceEnd(answer, status) {
    const words = countWords(answer.run.state.content);
    announce(status === "done" ? tn("announce_ready", words) : t(`announce_${status}`));
  }

  #showPlace = ({ away, scrolled }) => {
    this.parts.follow.hidden = !away;
    const now = conversation.running ? "running" : "still";
    for (const words of away ? this.parts.words : []) words.hidden = words.dataset.while !== now;
    this.parts.topbar.classList.toggle("is-scrolled", scrolled);
  };

  // Someone who selects text is reading: the text must not move under the pointer.
  #selecting = () => {
    const selection = document.getSelection();
    if (!selection.isCollapsed && this.contentTarget.contains(selection.anchorNode)) this.scroll.unpin();
  };
}
