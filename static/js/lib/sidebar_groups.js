// The rows and folders of the list of conversations: how one is made, and in which group a row stands: pinned, its
// folder, or its date.
export function newRow(template, { id, title, url, state, unread }) {
  const row = template.content.firstElementChild.cloneNode(true);
  row.id = `conversation-${id}`;
  row.setAttribute("data-conversation-item-id-value", id);
  row.setAttribute("data-rename-id-value", id);
  row.querySelector(".side-link").href = url;
  row.querySelector(".label").textContent = title;
  row.querySelector(".side-link").classList.toggle("is-unread", Boolean(unread));
  row.toggleAttribute("data-busy", Boolean(state));
  for (const [mark, shown] of Object.entries({ writing: state === "running", queued: state === "queued", unread })) {
    row.querySelector(`[data-conversation-item-target="${mark}"]`).hidden = !shown;
  }
  return row;
}

export function newFolder(template, { id, name }) {
  const folder = template.content.firstElementChild.cloneNode(true);
  folder.id = `folder-${id}`;
  folder.setAttribute("data-folder-id-value", id);
  folder.setAttribute("data-rename-id-value", id);
  folder.querySelector(".label").textContent = name;
  folder.querySelector("ul").id = `folder-${id}-list`;
  folder.querySelector(".side-link").setAttribute("aria-controls", `folder-${id}-list`);
  return folder;
}

export const findRow = (id) => document.getElementById(`conversation-${id}`) ?? undefined;

export class SidebarGroups {
  // list: the controller, for its targets pinned, folder, dated, group and groupTemplate.
  constructor(list) {
    this.list = list;
  }

  // Where it belongs; nowhere while its folder is closed and was never opened.
  place(row) {
    const group = this.#groupOf(row);
    if (!group) return row.remove();
    const next = [...group.children].find((other) => other !== row && other.dataset.at <= row.dataset.at) ?? null;
    if (row.parentElement !== group || row.nextElementSibling !== next) group.insertBefore(row, next);
  }

  tidy() {
    for (const group of this.list.groupTargets) if (!group.querySelector("li")) group.remove();
    this.list.pinnedTarget.hidden = !this.list.pinnedTarget.querySelector("li");
  }

  #groupOf({ dataset: { pinned, folder, group, at } }) {
    const { pinnedTarget, folderTargets, groupTargets } = this.list;
    if (pinned !== undefined) return pinnedTarget.querySelector("ul");
    const inFolder = folder && folderTargets.find(({ id }) => id === `folder-${folder}`);
    if (inFolder) return inFolder.dataset.folderLoadedValue === "true" ? inFolder.querySelector("ul") : null;
    return (groupTargets.find(({ dataset: { label } }) => label === group) ?? this.#newGroup(group, at)).querySelector("ul");
  }

  #newGroup(label, at) {
    const { datedTarget, groupTargets, groupTemplateTarget } = this.list;
    const group = groupTemplateTarget.content.firstElementChild.cloneNode(true);
    group.dataset.label = label;
    group.querySelector("h2").textContent = label;
    const next = groupTargets.find((other) => (other.querySelector("li")?.dataset.at ?? "") < at) ?? null;
    datedTarget.insertBefore(group, next);
    return group;
  }
}
