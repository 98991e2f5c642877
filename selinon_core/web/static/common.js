// What all pages use. Everything from outside is put on a page with textContent.

const LONGEST_TEXT = 20000;

export const byId = (id) => document.getElementById(id);
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function button(text, className, action) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

// A text in a box; what is very long is shown on demand.
export function longText(text, className) {
  const pre = element("pre", className);
  if (text.length <= LONGEST_TEXT) {
    pre.textContent = text;
    return pre;
  }
  pre.textContent = text.slice(0, LONGEST_TEXT) + " …";
  const box = element("div");
  const more = button(`Show all ${text.length} characters`, "", () => { pre.textContent = text; more.remove(); });
  box.append(pre, more);
  return box;
}

export const json = (value) => longText(JSON.stringify(value, null, 2));

export function setStatus(text, className) {
  const status = byId("status");
  status.className = className;
  if (status.textContent !== text) status.textContent = text;
}
