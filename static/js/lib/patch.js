// Changes shown nodes into fresh ones, touching only what differs, so that a selection or focus in them survives.
// What is new goes before `end`. Parts marked data-kept are the person's: once shown they stay.
export function patchNodes(parent, shown, fresh, end = null) {
  const result = fresh.map((node, index) => {
    const old = shown[index];
    if (!old) return parent.insertBefore(node, end);
    return patchNode(old, node);
  });
  shown.slice(fresh.length).forEach((node) => node.remove());
  return result;
}

function patchNode(old, fresh) {
  if (old.isEqualNode(fresh) || (old.dataset && "kept" in old.dataset)) return old;
  if (old.nodeType === Node.TEXT_NODE && fresh.nodeType === Node.TEXT_NODE) {
    old.data = fresh.data;
    return old;
  }
  if (old.nodeName !== fresh.nodeName || old.nodeType !== Node.ELEMENT_NODE) {
    old.replaceWith(fresh);
    return fresh;
  }
  copyAttributes(old, fresh);
  patchNodes(old, [...old.childNodes], [...fresh.childNodes]);
  return old;
}

function copyAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !name.startsWith("data-chosen-")) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}
