// The page's own templates: markup is written once, in the page, and cloned.
export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
