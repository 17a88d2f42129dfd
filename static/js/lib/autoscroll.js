// The only owner of the thread's scrolling: question to the top, following at the end, giving way to the reader.
const GAP = 12; // px between the top bar and a question just sent
const NEAR = 60; // px from the end: the reader is at the end, the button goes
const FAR = 200; // px from the end: the button comes
const NUDGE = { mouse: 3, touch: 10 }; // px upward that mean "I am reading"
const GLIDE = 0.22; // part of the way done in each frame

export class Autoscroll {
  #expected = 0; // where our own last write put the scroller
  #seen = 0;
  #upward = 0;
  #frame = 0;
  #anchor = null;
  #isHeld = false; // the anchor is kept where it was put: nobody has moved since
  #away = false;
  #wasNearEnd = true;
  #pinned = true; // the reader has not moved up since last at the end
  #following = false;
  #read = { turn: null, top: 0 }; // what stands at the top of the window

  // turns: the elements that may grow out of sight; still(): no gliding; changed({ away, scrolled }): the page may want to show it.
  constructor({ scroller, spacer, turns = [], still = () => false, changed = () => {} }) {
    Object.assign(this, { scroller, spacer, turns, still, changed, touching: false });
  }

  jumpToEnd() {
    this.#anchor = null;
    this.#isHeld = false;
    this.#fitSpacer();
    this.#write(this.#bottom);
    this.#tell();
  }

  // Puts a new question near the top; the spacer holds it there until the answer has grown past the window.
  placeAtTop(element) {
    this.#hold(element);
    this.#glideTo(() => this.#topOf(element));
  }

  // The same at once, for a page that was opened for it.
  startAt(element) {
    this.#hold(element);
    this.#write(this.#topOf(element));
    this.#tell();
  }

  // change() puts something else in a turn's place and returns it. What is looked at stays where it is, as far as there
  // is something to look at: a shorter turn is given room below, and at most comes to the top.
  exchange(change) {
    const top = this.scroller.scrollTop;
    this.unpin();
    this.#anchor = change() ?? null;
    this.#fitSpacer();
    this.#write(top);
    this.#tell();
  }

  follow() {
    this.#pinned = this.#following = true;
    this.#isHeld = false;
    this.#glideTo(() => this.#bottom);
  }

  unpin() {
    this.#pinned = this.#following = this.#isHeld = false;
    this.#halt();
  }

  // The content or the window changed size; what is read stays, and only content that grows at its end moves the page.
  resized() {
    const clamped = this.scroller.scrollTop < this.#seen && this.#isAtVeryEnd;
    const top = clamped ? this.#seen : this.scroller.scrollTop;
    if (clamped) this.#expected = this.#seen = this.scroller.scrollTop; // shorter content moved the page, not the reader
    const moved = this.#movedAbove();
    if (moved) this.#write(top + moved);
    this.#fitSpacer();
    if (this.#isHeld && !this.#frame) this.#write(this.#topOf(this.#anchor));
    if (this.#pinned && this.#distance > 0 && (this.#following || this.#wasNearEnd)) this.follow();
    this.#tell();
  }

  // A scroll that we did not make is the reader's.
  scrolled() {
    const top = this.scroller.scrollTop;
    if (Math.abs(top - this.#expected) > 1) this.#readerMoved(top - this.#seen);
    this.#seen = top;
    this.#tell();
  }

  dispose() {
    this.#halt();
  }

  #hold(element) {
    this.#halt();
    this.#anchor = element;
    this.#pinned = this.#isHeld = true;
    this.#following = false;
    this.#fitSpacer();
  }

  #readerMoved(delta) {
    this.#expected = this.scroller.scrollTop;
    this.#isHeld = false;
    this.#upward = delta < 0 ? this.#upward - delta : 0;
    if (this.#upward >= (this.touching ? NUDGE.touch : NUDGE.mouse)) this.unpin();
    else if (delta > 0 && this.#distance <= NEAR) this.#pinned = true;
  }

  // Pixels of content below the window; negative while the spacer is in sight.
  get #distance() {
    return this.spacer.offsetTop - this.scroller.scrollTop - this.scroller.clientHeight;
  }

  get #isAtVeryEnd() {
    return this.scroller.scrollTop + this.scroller.clientHeight >= this.scroller.scrollHeight - 1;
  }

  get #bottom() {
    return Math.max(0, this.spacer.offsetTop - this.scroller.clientHeight);
  }

  // How far what is read was moved by what changed above it.
  #movedAbove() {
    const { turn, top } = this.#read;
    return turn?.isConnected ? turn.offsetTop - top : 0;
  }

  #remember() {
    const seen = this.scroller.scrollTop;
    let [first, last] = [0, this.turns.length - 1];
    while (first < last) {
      const middle = (first + last) >> 1;
      const { offsetTop, offsetHeight } = this.turns[middle];
      if (offsetTop + offsetHeight > seen) last = middle;
      else first = middle + 1;
    }
    const turn = this.turns[first] ?? null;
    this.#read = { turn, top: turn?.offsetTop ?? 0 };
  }

  #topOf(element) {
    return Math.max(0, element.offsetTop - GAP);
  }

  #fitSpacer() {
    const below = this.#anchor?.isConnected ? this.spacer.offsetTop - this.#topOf(this.#anchor) : Infinity;
    this.spacer.style.setProperty("height", `${Math.max(0, Math.floor(this.scroller.clientHeight - below))}px`);
  }

  #halt() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #glideTo(target) {
    this.#halt();
    const step = () => {
      const left = target() - this.scroller.scrollTop;
      const arrived = Math.abs(left) < 2 || this.still();
      this.#write(this.scroller.scrollTop + (arrived ? left : left * GLIDE + Math.sign(left)));
      this.#frame = arrived ? 0 : requestAnimationFrame(step);
    };
    step();
  }

  #write(top) {
    this.scroller.scrollTop = top;
    this.#expected = this.#seen = this.scroller.scrollTop;
  }

  #tell() {
    this.#remember();
    const distance = this.#distance;
    this.#wasNearEnd = distance <= NEAR;
    this.#away = distance > FAR || (this.#away && distance >= NEAR);
    this.changed({ away: this.#away, scrolled: this.scroller.scrollTop > 0 });
  }
}
