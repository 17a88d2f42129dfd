// Until the page's scripts are there: what is sent is remembered, and the composer sends it as soon as it can.
(() => {
  const form = document.currentScript.previousElementSibling;
  const text = form.querySelector("textarea");
  const send = form.querySelector("[type=submit]");
  const sendsByCtrlEnter = form.parentElement.dataset.composerKeyValue === "ctrl-enter";
  const isWaiting = () => form.dataset.early !== undefined; // the composer takes the mark away
  const remember = () => { if (text.value.trim()) form.dataset.early = "sent"; };

  form.addEventListener("submit", (event) => {
    if (!isWaiting()) return;
    event.preventDefault();
    remember();
  });
  text.addEventListener("input", () => { if (isWaiting()) send.disabled = !text.value.trim(); });
  text.addEventListener("keydown", (event) => {
    if (!isWaiting() || event.key !== "Enter" || event.isComposing || event.shiftKey || event.altKey) return;
    const breaksLine = sendsByCtrlEnter || matchMedia("(pointer: coarse)").matches;
    if (breaksLine && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    remember();
  });
})();
