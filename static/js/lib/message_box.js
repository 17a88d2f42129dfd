// Where one writes to the conversation: what is done elsewhere on the page gives the focus back to it.
export const focusMessageBox = () => document.getElementById("message").focus();
