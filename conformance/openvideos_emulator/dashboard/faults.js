// The planned faults: what is still to happen, and to which requests; a form that plans one.

import { ask, wake, why } from "./link.js";
import { List, PAGE } from "./list.js";
import { at, disclose, make, notice, say, stamp, tell } from "./page.js";

const form = at("plan");
const TEXTS = new Set(["operation", "prompt", "reset"]);
const FIELDS = { status: ["status"], delay: ["delay"], reset: ["reset"], truncate: ["truncate"], stall: [], other: [] };

let latest = [];
const list = new List({
  element: at("faults-list"),
  fallback: at("faults-title"),
  make: (fault) => new Row(fault),
  onTurn: () => show({ faults: latest }),
  keyOf: (fault) => fault.number,
});

class Row {
  #part;

  constructor({ number }) {
    const { element, part } = stamp("fault-row");
    this.element = element;
    this.#part = part;
    this.opener = part.remove;
    part.remove.addEventListener("click", () => remove(`faults/${number}`, "The fault is removed."));
  }

  update(fault) {
    say(this.#part.summary, fault.summary || "nothing");
    say(this.#part.target, target(fault));
    this.#part.remove.setAttribute("aria-label", `Remove: ${fault.summary}`);
  }
}

function target({ operation, method, path, prompt, job, left, times }) {
  const only = [operation, method, path, prompt && `prompt ${prompt}`, job].filter(Boolean);
  const count = times === 1 ? "once" : `${left} of ${times} times left`;
  return `${only.length ? only.join(", ") : "Any request"}; ${count}`;
}

async function remove(path, told) {
  try {
    await ask(path, { method: "DELETE" });
    tell(told);
  } catch (error) {
    notice(why(error, "nothing was removed"));
  }
  wake();
}

export const path = () => "faults";

export function show({ faults, operations }) {
  latest = faults;
  const page = faults.slice(list.skip, list.skip + PAGE);
  list.show(page, { hasMore: faults.length > list.skip + PAGE, total: faults.length });
  say(at("faults-badge"), faults.length ? String(faults.length) : "");
  at("faults-empty").hidden = faults.length > 0;
  at("faults-clear").hidden = faults.length < 2;
  const select = form.elements.operation;
  if (operations && select.options.length === 1) select.append(...operations.map((id) => make("option", id)));
}

/** Read the form; throws a SyntaxError if the further fields are no JSON. */
function faultOf({ kind, further, ...values }) {
  const names = [...FIELDS[kind], "times", "operation", "prompt"];
  const fault = Object.fromEntries(names.map((name) => [name, valueOf(values[name], name)]));
  if (kind === "status" && values.carried_out) fault.carried_out = true;
  if (kind === "stall") fault.stall = { at: valueOf(values.at), seconds: valueOf(values.seconds) };
  return { ...fault, ...(further.trim() ? JSON.parse(further) : {}) };
}

/** Read a text, or a number; what is none goes to the emulator as it is, which says what is wrong. */
function valueOf(text, name) {
  const value = text.trim();
  if (value === "") return undefined; // is not sent
  return TEXTS.has(name) || Number.isNaN(Number(value)) ? value : Number(value);
}

function showFields() {
  const kind = form.elements.kind.value;
  for (const field of form.querySelectorAll("[data-kind]")) field.hidden = field.dataset.kind !== kind;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const fault = faultOf(Object.fromEntries(new FormData(form)));
    await ask("faults", { method: "POST", body: fault });
    say(at("plan-error"), "");
    tell("The fault is planned.");
    wake();
  } catch (error) {
    const isWritten = error instanceof SyntaxError;
    say(at("plan-error"), isWritten ? `The further fields are no JSON: ${error.message}` : why(error, "nothing was planned"));
  }
});
form.elements.kind.addEventListener("change", showFields);
at("faults-clear").addEventListener("click", () => remove("faults", "All faults are removed."));
disclose(at("plan-open"), form);
showFields();
