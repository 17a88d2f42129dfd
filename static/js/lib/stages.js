// The words and the route of each stage of a run, from its state.
import { duration, estimate, percent, rate } from "./format.js";
import { t, tn } from "./texts.js";

const ROUTE = ["queued", "loading", "part", "reading", "thinking", "writing"];

// { title, detail } of the stage being lived; `detail` is empty when nothing true can be said.
export function stageWords(state, now = Date.now()) {
  return WORDS[state.stage]?.(state, now) ?? { title: "", detail: "" };
}

const elapsed = ({ since, joined }, now) => (joined ? "" : duration((now - since) / 1000));

const WORDS = {
  queued: (state, now) => {
    const { position, ahead, own } = state;
    if (position == null) return { title: t("stage_queued"), detail: "" };
    const people = ahead > own ? tn("people_ahead", ahead - own) : own > 0 ? tn("own_ahead", own) : t("next_in_line");
    const left = state.waitLeft(now);
    const detail = left === null ? people : left ? t("people_and_wait", { people, wait: estimate(left) }) : t("people_and_longer", { people });
    return { title: t("stage_queued_colon"), detail };
  },
  loading: (state, now) => ({ title: t("stage_loading", { model: state.model }), detail: elapsed(state, now) }),
  part: ({ part: { done, total, when, reading } }) => {
    if (reading) return { title: t("stage_part"), detail: t("part_of", { n: done + 1, count: total }) };
    return { title: t(when === "night" ? "stage_part_night" : "stage_part_idle"), detail: done ? tn("parts_read", done, { n: done, count: total }) : "" };
  },
  reading: (state) => {
    const progress = state.readingProgress;
    if (!progress) return { title: t("stage_reading"), detail: "" };
    const share = percent(progress.ratio);
    const left = progress.left;
    return { title: t("stage_reading"), detail: left ? t("share_and_left", { share, left: estimate(left) }) : share };
  },
  thinking: (state, now) => ({ title: t("stage_thinking"), detail: elapsed(state, now) }),
  writing: (state, now) => {
    const pace = state.wordRate(now);
    const parts = [elapsed(state, now), pace ? rate(pace, t("words_per_second")) : ""];
    return { title: t("stage_writing"), detail: parts.filter(Boolean).join(" · ") };
  },
};

// The legs of the route: those that this run passes, with their place in time and their share when it is known.
export function route(state, now = Date.now()) {
  const here = ROUTE.indexOf(state.stage);
  return ROUTE.filter((leg) => isDrawn(leg, state)).map((leg) => {
    const place = ROUTE.indexOf(leg);
    const when = place < here ? "done" : place === here ? "now" : "later";
    return { label: t(`leg_${leg}`), when, share: when === "now" ? knownShare(state, now) : null };
  });
}

function isDrawn(leg, { legs, think, stage }) {
  if (leg === "thinking") return Boolean(think) || leg === stage;
  return leg === "reading" || leg === "writing" || leg === stage || legs.has(leg);
}

function knownShare(state, now) {
  if (state.stage === "part") return state.part.total ? state.part.done / state.part.total : null;
  if (state.stage === "reading") return state.readingProgress?.ratio ?? null;
  const left = state.waitLeft(now);
  const waited = (now - state.since) / 1000;
  return left ? waited / (waited + left) : null;
}
