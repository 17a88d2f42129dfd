// Tells in the browser's tab that an answer has ended while nobody looked at the page: words before the title, and a dot
// on the icon. Nothing moves while it is written. Notifications would need HTTPS.
import { listen } from "./listen.js";
import { t } from "./texts.js";

const SIZE = 64; // px of the drawn icon
const DOT = 16; // its radius
const ENDS = { done: "tab_ready", failed: "announce_failed", interrupted: "announce_interrupted" }; // one's own stop is none

export function signReady(conversation) {
  const icon = document.querySelector("link[rel=icon]");
  const plain = icon.href;
  let words = "";

  const show = ({ status }) => {
    if (document.visibilityState === "visible" || !ENDS[status]) return;
    clear();
    words = `● ${t(ENDS[status])} · `;
    document.title = words + document.title;
    dotted(plain).then((drawn) => { if (words) icon.href = drawn; }, () => {}); // the words are enough
  };

  const clear = () => {
    if (words && document.title.startsWith(words)) document.title = document.title.slice(words.length);
    if (words) icon.href = plain;
    words = "";
  };

  listen(conversation, { over: show });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") clear(); });
}

// The icon with a dot in its corner, as the address of a picture.
async function dotted(address) {
  const image = Object.assign(new Image(SIZE, SIZE), { src: address });
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE });
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0, SIZE, SIZE);
  pen.beginPath();
  pen.arc(SIZE - DOT, DOT, DOT, 0, 2 * Math.PI);
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--brand-signal-bright");
  pen.fill();
  return canvas.toDataURL();
}
