// A form that was sent is not sent again before the page has answered: a double click would do everything twice.
const PATIENCE = 10_000; // ms: by then no answer will come, or it was a file

// Forms that scripts send are theirs to look after; another button of the same form means something else.
export function submitOnce(page = window, now = () => performance.now()) {
  let sent = new WeakMap();
  page.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
    const last = sent.get(form);
    if (last && last.submitter === submitter && now() - last.at < PATIENCE) event.preventDefault();
    else sent.set(form, { submitter, at: now() });
  });
  // Back from the next page, this one may still be as it was left.
  page.addEventListener("pageshow", () => { sent = new WeakMap(); });
}
