// What the parts of the page share: elements and their texts, what is told, what is copied, and what opens and closes.

const SHORTLY = 4000;
const LONG = 24; // characters of a fact that has a line of its own
const WORD = 40; // characters of a segment of a path that stays whole

export const at = (id) => document.getElementById(id);

/** Set an element's text only if it differs, so that the page does not flicker and screen readers stay silent. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make an element of a template; return it, and its parts by their names. */
export function stamp(id) {
  const element = at(id).content.firstElementChild.cloneNode(true);
  const part = {};
  for (const each of element.querySelectorAll("[data-part]")) part[each.dataset.part] = each;
  return { element, part };
}

/** Make an element with a text. */
export function make(name, text = "") {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

/** Make a pair of a name and a value for a list of facts. */
export function fact(name, value) {
  const pair = document.createElement("div");
  const description = make("dd");
  const isLong = value.length > LONG;
  const isPath = isLong && !/\s/.test(value); // or an id
  pair.classList.toggle("long", isLong);
  description.classList.toggle("path", isPath);
  (isPath ? sayPath : say)(description, value);
  pair.append(make("dt", name), description);
  return pair;
}

/** Show a path whose lines break between its segments, so that an id stays whole. */
export function sayPath(element, path) {
  if (element.textContent === path) return;
  const segments = path.split(/(?<=\/)/).map((segment) => {
    const span = make("span", segment);
    span.classList.toggle("word", segment.length <= WORD);
    return span;
  });
  element.replaceChildren(...segments);
}

/** Tell of a problem that concerns the whole page; an empty text ends it. */
export function notice(text) {
  at("notice").hidden = text === "";
  say(at("notice"), text);
}

/** Tell those who listen what is new. */
export function tell(text) {
  if (text) say(at("news"), text);
}

/** Say something in an element for a moment, then what it said before. */
export function sayShortly(element, text, before) {
  say(element, text);
  setTimeout(() => element.textContent === text && say(element, before), SHORTLY);
}

/** Let a button copy what `text()` returns. */
export function copies(button, text) {
  const name = button.textContent;
  button.hidden = !navigator.clipboard; // browsers offer it to secure origins alone
  button.addEventListener("click", async () => {
    const said = await navigator.clipboard.writeText(text()).then(() => "Copied", () => "Not copied");
    sayShortly(button, said, name);
    tell(said);
  });
}

/** Let a dialog be closed by a button and by a click beside it; Escape closes it anyway. Then call `onClose`. */
export function closable(dialog, button, onClose) {
  button.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target, clientX, clientY }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const isInside = left <= clientX && clientX <= right && top <= clientY && clientY <= bottom;
    if (target === dialog && !isInside) dialog.close();
  });
  dialog.addEventListener("close", onClose);
}

/** Let a button show and hide a form; Escape hides it, too, and gives the focus back to the button. */
export function disclose(button, form) {
  const show = (isOpen) => {
    form.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  };
  button.addEventListener("click", () => {
    show(form.hidden);
    if (!form.hidden) form.querySelector("textarea, select, input").focus();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    show(false);
    button.focus();
  });
}
