// The open conversation: the messages that are shown, the answer that is being written, the text that waits behind it,
// and all that can be done with them. The page's controllers are views of it: they call its verbs and listen to its
// events. It knows nothing of the page itself.
//
// A question is { role: "user", id, siblings, content, documents, passages, editedAt }, an answer { role: "assistant", id,
// siblings, rating, run }: `siblings` are the ids of its versions, and `id` is null until the server has it.
//
// Documents beside a question are read whole where the chosen model has room for them; of longer ones the person chooses
// passages, which go with the question in their place, as those of libraries do, or has them read part by part: `whole`,
// "idle" (once the server is free) or "night".
//
// Events, with what they carry:
//   messages    { keepPlace }      the messages, or their ids, are others; told before all that follows from it
//   activity                       what is being asked or written began, is at another stage, or is over
//   asked       { question }       something was asked; the question, if there is one, is worth bringing into sight
//   saved       { conversation, isNew, question }  the server has what was asked here, or (not new) goes on with an answer
//   over        { answer, status } an answer has ended
//   refused     { error, instead } what was asked was taken back; `instead` is the question that it was to replace
//   branch      the conversation   other messages are shown: another version, a removal, what another page added
//   context                        other messages than before are no longer read by the model
//   connection                     the connection of the answer that is being written was lost, or is back
//   choice                         another model, or with thinking or without
//   reading                        the engine reads the documents beside the draft, has read them, or does neither
//   renamed     { id, title }      this conversation or another one of the list
//   seen        { id }             the end of it was seen
//   rated       { answer }
//   failed      { error }          something that nobody waits for did not work
import { Draft } from "./lib/draft.js";
import { DraftStore } from "./lib/draft_store.js";
import { request } from "./lib/http.js";
import { newClientId } from "./lib/ids.js";
import { listen } from "./lib/listen.js";
import { tokensOf } from "./lib/pictures.js";
import { QueuedMessage } from "./lib/queued_message.js";
import { Run } from "./lib/run.js";

const BEHIND = ["conversation_moved", "unknown_parent"]; // another page went on, or took the end away
const NEW_INSTRUCTIONS = "new:instructions"; // of a conversation that has not begun

// A message as the server tells it.
export function messageFrom({ role, id, siblings = [id], ...facts }) {
  if (role === "user") {
    const { content, files: documents = [], passages = [], edited_at: editedAt } = facts;
    return { role, id, siblings, content, documents, passages, editedAt };
  }
  return { role, id, siblings, rating: facts.rating, run: new Run({ id, ...facts }) };
}

export class Conversation extends EventTarget {
  id = "";
  url = "/";
  title = "";
  isSaved = false; // the server has a question of it
  isUnread = false; // an answer has ended, and was not seen
  messages = [];
  models = []; // [{ name, thinking, context, documentTokens, readingPace, proven, imageTokens }]
  model = "";
  think = false;
  draft = null; // what is being written
  queued = null; // what waits for the end of the answer
  documentsAre = ""; // what the engine does with the documents of the draft: "reading", "warm" (read), or nothing
  #store = null;
  #asking = null; // until there is an answer that can be stopped
  #begun = new WeakMap(); // answer → { question, instead, undo }, until the server has it
  #leftOut = null;
  #making = null; // while the server makes the conversation

  // page: what the server has put into it, with `typed`, which was written before the scripts were there.
  open(page, store = DraftStore.forPerson(page.owner)) {
    const { id = "", url = "/", title = "", isUnread = false, messages = [], model = "", models = [], typed = "" } = page;
    Object.assign(this, { id, url, title, isSaved: Boolean(id), isUnread, messages, model, models });
    this.#store = store;
    this.#leftOut = this.#lastAnswer?.run.state.leftOut ?? null;
    this.draft = new Draft(store, id, typed);
    this.queued = new QueuedMessage(store, id);
    this.#follow(messages);
    // What waited still waits. Has the answer ended meanwhile, unseen, then it is text to look at again.
    if (this.queued.text && !this.isBusy) this.draft.giveBack(this.queued.take());
  }

  // The answer that is being written.
  get running() {
    return this.messages.findLast(({ run }) => run?.state.active) ?? null;
  }

  get isBusy() {
    return this.#asking !== null || this.running !== null;
  }

  get isCutOff() {
    return this.running !== null && this.running.run.lost !== null;
  }

  get isEmpty() {
    return !this.messages.length;
  }

  // { count, first_read, unread }: the model no longer reads what is before that message, nor the documents of these names;
  // null where it reads all.
  get leftOut() {
    return this.messages.some(({ id }) => id !== null && id === this.#leftOut?.first_read) ? this.#leftOut : null;
  }

  // No model is known yet while the engine is away: the server then takes its own default.
  get choice() {
    return { model: this.model || undefined, think: this.think };
  }

  // The facts of the chosen model; {} while none is known.
  get chosen() {
    return this.models.find(({ name }) => name === this.model) ?? {};
  }

  get canThink() {
    return this.chosen.thinking ?? false;
  }

  // Tokens that the chosen model reads at once; 0 where that is not known.
  get contextSize() {
    return this.chosen.context || 0;
  }

  // Whether a library is asked, or the documents beside the draft are too long to be read whole: passages of them then go
  // with the question.
  get needsPassages() {
    const { documents, libraries } = this.draft;
    if (libraries.length) return true;
    return documents.all.length > documents.pictures.length && this.#areTooLong(documents.tokens(this.chosen.imageTokens));
  }

  // Whether there is a picture beside the draft that the chosen model would not see.
  get isBlind() {
    return this.draft.documents.pictures.length > 0 && this.chosen.imageTokens === 0;
  }

  // The model that sees pictures and reads them in the least time; undefined where none sees.
  get seeing() {
    return this.models.filter(({ imageTokens }) => imageTokens).toSorted((one, other) => one.imageTokens - other.imageTokens)[0];
  }

  get pendingInstructions() {
    return this.isSaved ? "" : this.#store.read(NEW_INSTRUCTIONS);
  }

  // The question that an answer belongs to.
  questionOf(message) {
    return this.messages.slice(0, this.messages.indexOf(message) + 1).findLast(({ role }) => role === "user") ?? null;
  }

  next(message) {
    return this.messages[this.messages.indexOf(message) + 1] ?? null;
  }

  choose(model) {
    this.model = model;
    if (!this.canThink) this.think = false;
    this.#tell("choice");
  }

  setThink(think) {
    this.think = think && this.canThink;
    this.#tell("choice");
  }

  // Asks at the end of what is shown: now, or when the answer that is being written is done.
  send({ content, documents = [], passages = [], whole = "" }) {
    const asked = { content, documents, passages, whole };
    if (this.isBusy) this.queued.add(asked);
    else this.#ask(asked);
  }

  // A question in other words: it takes the old one's place, with all that followed, unless the server refuses it.
  edit(question, content) {
    const { documents, passages } = question;
    const isLong = !passages.length && this.#areTooLong(tokensOf(documents));
    return this.#ask({ content, documents, passages, whole: isLong ? "idle" : "" }, { instead: question });
  }

  // The question's words alone: the answers below stay.
  async correct(question, content) {
    const saved = await request(`/api/messages/${question.id}`, { method: "PATCH", body: { content } });
    Object.assign(question, { content: saved.content, editedAt: saved.edited_at });
  }

  // Another answer beside the old one. What follows is of the old one's branch, and leaves the page with it.
  regenerate(old, model = "") {
    const before = { messages: this.messages, model: this.model };
    if (model) this.choose(model);
    const place = this.messages.indexOf(old);
    const isLast = place === this.messages.length - 1;
    const undo = () => { this.#show(before.messages); if (model) this.choose(before.model); };
    const start = { url: `/api/messages/${old.id}/regenerate`, body: this.choice, repeatable: false };
    this.#begin(start, { kept: this.messages.slice(0, place), undo });
    this.#tell("asked", { question: isLast ? null : this.questionOf(this.messages.at(-1)) });
  }

  // Goes on with an answer where it stopped.
  resume(answer) {
    if (this.isBusy) return;
    answer.run.start({ url: `/api/messages/${answer.id}/continue`, body: {}, repeatable: false });
  }

  // Resolves when what was being written is over, with whether it was stopped: the server may refuse.
  async stop() {
    this.#asking?.abort();
    const running = this.messages.filter(({ run }) => run?.state.active);
    return (await Promise.all(running.map(({ run }) => stopped(run)))).every(Boolean);
  }

  // The version before or after; resolves with { id, place, count }.
  async showVersion(message, step) {
    const place = message.siblings.indexOf(message.id) + step;
    const id = message.siblings[place];
    await this.showMessage(id);
    return { id, place, count: message.siblings.length };
  }

  // The branch that a message is on.
  async showMessage(id) {
    this.#showBranch(await request(`/api/conversations/${this.id}/head`, { method: "PUT", body: { message_id: id } }));
  }

  // A question with its answer; resolves with what `restore` takes.
  async remove(question) {
    const { removed, ...conversation } = await request(`/api/messages/${question.id}`, { method: "DELETE" });
    this.#showBranch(conversation);
    return removed;
  }

  async restore(removed) {
    this.#showBranch(await request(`/api/conversations/${this.id}/turns`, { method: "POST", body: removed }));
  }

  // A copy that ends with this message; resolves with its address.
  async branchOff(message) {
    return (await request(`/api/messages/${message.id}/branch`, { method: "POST" })).url;
  }

  // rating: { good, reason } or null. Shown at once, and taken back if the server does not have it.
  async rate(answer, rating) {
    const before = answer.rating;
    const show = (shown) => { answer.rating = shown; this.#tell("rated", { answer }); };
    show(rating);
    const change = rating ? { method: "PUT", body: rating } : { method: "DELETE" };
    try {
      await request(`/api/messages/${answer.id}/rating`, change);
    } catch (error) {
      show(before);
      throw error;
    }
  }

  // The server's branch, where this page is behind it.
  refresh() {
    return this.#fetchBranch(() => true);
  }

  // What another page added to the branch that is shown here; of another branch nothing.
  catchUp() {
    return this.#fetchBranch(({ messages }) => this.messages.length < messages.length
      && this.messages.every(({ id }, place) => id === messages[place].id));
  }

  // { instructions, personal }
  async readInstructions() {
    const { pendingInstructions: instructions } = this;
    return this.id && !instructions ? request(this.#instructionsUrl) : { instructions, personal: "" };
  }

  // Before there is a conversation they wait for its first question; resolves with whether the server has them.
  async saveInstructions(text) {
    if (!this.id) {
      this.#store.write(NEW_INSTRUCTIONS, text.trim());
      return false;
    }
    await request(this.#instructionsUrl, { method: "PUT", body: { instructions: text } });
    if (!this.isSaved) this.#store.clear(NEW_INSTRUCTIONS);
    return true;
  }

  // Puts a text before what is written for a new conversation; returns whether it will be there.
  prepareNew(text, pasted = []) {
    const all = [text, this.#store.read("")].filter(Boolean).join("\n\n");
    const beside = this.#store.beside("");
    return this.#store.write("", `${all}\n\n`, { ...beside, pasted: [...pasted, ...beside.pasted] });
  }

  // Makes the conversation before its first question, for what is to be read in it; resolves with its id.
  async prepare() {
    if (!this.isSaved) await this.#make();
    return this.id;
  }

  tellReading(state) {
    if (state === this.documentsAre) return;
    this.documentsAre = state;
    this.#tell("reading");
  }

  // This conversation's title or another one's was changed.
  rename(id, title) {
    if (id === this.id) this.title = title;
    this.#tell("renamed", { id, title });
  }

  // The end of it was seen. Unsaid, the mark stays for another time: nothing is lost.
  markSeen() {
    if (!this.isUnread) return;
    this.isUnread = false;
    this.#tell("seen", { id: this.id });
    request(`/api/conversations/${this.id}/seen`, { method: "POST" }).catch(() => {});
  }

  // At the end of the branch that is shown, whatever another page shows; refused where that has gone on meanwhile.
  async #ask(asked, { clientId = newClientId(), instead = null } = {}) {
    const before = this.messages;
    const kept = instead ? before.slice(0, before.indexOf(instead)) : before;
    const question = { role: "user", id: null, siblings: [], ...asked };
    const undo = () => { this.#show(before); if (!instead) this.draft.refused(asked); };
    this.#asking = new AbortController();
    if (!instead) this.draft.sent(asked);
    this.#show([...kept, question]);
    this.#tell("activity");
    this.#tell("asked", { question });
    try {
      if (!this.isSaved) await unless(this.#asking.signal, this.#make());
    } catch (error) {
      return this.#takeBack(error, { instead, undo });
    }
    const { content, documents, passages, whole = "" } = asked;
    const body = {
      content, ...this.choice, client_id: clientId, parent_id: kept.at(-1)?.id ?? null, at_end: !instead,
      ...(documents.length && { files: idsOf(documents) }), ...(passages.length && { passages: idsOf(passages) }),
      ...(whole && { whole }),
    };
    const start = { url: `/api/conversations/${this.id}/messages`, body, repeatable: true };
    this.#asking = null;
    this.#begin(start, { kept: this.messages, question, instead, undo });
  }

  // The server gets the conversation, and the instructions that were written before.
  async #make() {
    this.#making ??= this.#makeAtServer().finally(() => { this.#making = null; });
    await this.#making;
  }

  async #makeAtServer() {
    const instructions = this.pendingInstructions;
    const { model } = this.choice;
    this.id ||= (await request("/api/conversations", { method: "POST", body: { model } })).id;
    if (instructions) await this.saveInstructions(instructions);
  }

  #begin(start, { kept, ...begun }) {
    const { model, think } = this.choice;
    const answer = messageFrom({ role: "assistant", id: null, siblings: [], model, think, status: "queued" });
    this.#begun.set(answer, begun);
    this.#follow([answer]);
    this.#show([...kept, answer]);
    answer.run.start(start);
  }

  // Listens to the runs of answers, and joins those that are being written already.
  #follow(messages) {
    for (const answer of messages) {
      if (!answer.run) continue;
      listen(answer.run, {
        accepted: (accepted) => this.#accepted(answer, accepted),
        stage: () => this.#tell("activity"),
        connection: () => this.#tell("connection"),
        context: (leftOut) => { this.#leftOut = leftOut; this.#tell("context"); },
        unstopped: (detail) => this.#tell("failed", detail),
        refused: ({ error }) => this.#takeBack(error, this.#begun.get(answer)),
        over: () => this.#over(answer),
      });
      if (answer.id !== null && answer.run.state.active) answer.run.join();
    }
  }

  #accepted(answer, { conversation, user_message: asked, message }) {
    const begun = this.#begun.get(answer);
    this.#begun.delete(answer);
    answer.id = message.id;
    if (begun) answer.siblings = message.siblings;
    if (begun?.question) Object.assign(begun.question, { id: asked.id, siblings: asked.siblings });
    Object.assign(this, { id: conversation.id, url: conversation.url, title: conversation.title, isSaved: true });
    if (begun?.question && !begun.instead) this.draft.accepted(this.id);
    this.queued.moveTo(this.id);
    this.#tell("messages");
    this.#tell("saved", { conversation, isNew: Boolean(begun), question: begun?.question ?? null });
  }

  // What waited is asked now, or comes back where the answer did not end well.
  #over(answer) {
    const { status } = answer.run.state;
    const { id, ...next } = this.queued.take();
    this.isUnread = true;
    if (next.content && status === "done") this.#ask(next, { clientId: id });
    else if (next.content) this.draft.giveBack(next);
    this.#tell("over", { answer, status });
  }

  #takeBack(error, { instead = null, undo = () => {} } = {}) {
    this.#asking = null;
    undo();
    this.#tell("activity");
    this.#tell("refused", { error, instead });
    const next = this.queued.take();
    if (next.content) this.draft.giveBack(next);
    if (BEHIND.includes(error.code)) this.refresh();
  }

  async #fetchBranch(isWanted) {
    try {
      const conversation = await request(`/api/conversations/${this.id}`);
      if (!this.isBusy && isWanted(conversation)) this.#showBranch(conversation);
    } catch (error) {
      this.#tell("failed", { error });
    }
  }

  // Another branch as the server tells it; what it has in common with the one that is shown stays.
  #showBranch(conversation) {
    const told = conversation.messages;
    let same = 0;
    while (same < told.length && this.messages[same]?.id === told[same].id) {
      this.messages[same].siblings = told[same].siblings;
      same += 1;
    }
    const fresh = told.slice(same).map(messageFrom);
    this.#leftOut = told.at(-1)?.left_out ?? null;
    this.#show([...this.messages.slice(0, same), ...fresh], { keepPlace: true });
    this.#follow(fresh);
    this.#tell("branch", conversation);
  }

  #show(messages, { keepPlace = false } = {}) {
    const kept = new Set(messages);
    for (const message of this.messages) if (!kept.has(message)) message.run?.leave();
    this.messages = messages;
    this.#tell("messages", { keepPlace });
  }

  #areTooLong(tokens) {
    const { documentTokens } = this.chosen;
    return Boolean(documentTokens) && tokens > documentTokens;
  }

  get #lastAnswer() {
    return this.messages.findLast(({ run }) => run) ?? null;
  }

  get #instructionsUrl() {
    return `/api/conversations/${this.id}/instructions`;
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

const idsOf = (things) => things.map(({ id }) => id);

// As the promise, unless the signal comes first: what was begun may then still be done.
function unless(signal, promise) {
  const given = new Promise((_, reject) => { signal.addEventListener("abort", () => reject(signal.reason), { once: true }); });
  return Promise.race([promise, given]);
}

// Whether the run is over then.
function stopped(run) {
  return new Promise((resolve) => {
    const end = (isOver) => { unlisten(); resolve(isOver); };
    const unlisten = listen(run, { over: () => end(true), unstopped: () => end(false), refused: () => end(false) });
    run.stop();
  });
}

export const conversation = new Conversation();
