// Before the page's scripts are there: what is sent is remembered, and the composer sends it as soon as it can. It comes
// with the page's head, so that it is there before there is anything to write in.
(() => {
  const early = (target) => target.closest?.("form[data-early]"); // the composer takes the mark away
  const isBlank = (form) => !form.querySelector("textarea").value.trim();
  const remember = (event, form) => {
    event.preventDefault();
    if (!isBlank(form)) form.dataset.early = "sent";
  };

  document.addEventListener("submit", (event) => {
    const form = early(event.target);
    if (form) remember(event, form);
  });
  document.addEventListener("input", ({ target }) => {
    const form = early(target);
    if (form) form.querySelector("[type=submit]").disabled = isBlank(form);
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.matches?.("textarea") ? early(event.target) : null;
    if (!form || event.key !== "Enter" || event.isComposing || event.shiftKey || event.altKey) return;
    const sendsByCtrlEnter = form.parentElement.dataset.composerKeyValue === "ctrl-enter";
    const breaksLine = sendsByCtrlEnter || matchMedia("(pointer: coarse)").matches;
    if (!breaksLine || event.ctrlKey || event.metaKey) remember(event, form);
  });
})();
