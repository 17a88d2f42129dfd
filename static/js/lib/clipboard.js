// Copies to the clipboard, also on plain HTTP, and says whether it worked.
export { cleanHtml } from "./clean_html.js";

export async function copy({ text, html = "" }) {
  if (window.isSecureContext && navigator.clipboard) {
    try {
      await navigator.clipboard.write([new ClipboardItem(flavours({ text, html }))]);
      return true;
    } catch {
      // refused by the person or the browser: the old way may still work
    }
  }
  return copyTheOldWay({ text, html });
}

const flavours = ({ text, html }) => ({
  "text/plain": new Blob([text], { type: "text/plain" }),
  ...(html && { "text/html": new Blob([html], { type: "text/html" }) }),
});

// The copy event gives both flavours; the hidden field is there because some browsers want a selection.
function copyTheOldWay({ text, html }) {
  let taken = false;
  const give = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    event.clipboardData.setData("text/plain", text);
    if (html) event.clipboardData.setData("text/html", html);
    taken = true;
  };
  const focused = document.activeElement;
  const field = hiddenField(text);
  document.addEventListener("copy", give, { capture: true, once: true });
  try {
    return document.execCommand("copy") && taken;
  } finally {
    document.removeEventListener("copy", give, { capture: true });
    field.remove();
    focused?.focus({ preventScroll: true });
  }
}

function hiddenField(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "vh";
  document.body.append(field);
  field.focus({ preventScroll: true });
  field.select();
  return field;
}

export function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  window.getSelection().removeAllRanges();
  window.getSelection().addRange(range);
}
