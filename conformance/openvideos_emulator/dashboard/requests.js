// The requests that were sent, the newest first, as far as the emulator keeps them.

import { Exchange } from "./exchange.js";
import { showDeleted } from "./jobs.js";
import { List, PAGE } from "./list.js";
import { at, make, say, sayPath, stamp } from "./page.js";
import { hasFailed, isoTime, some, when } from "./words.js";

const OTHER = "other paths";

let log = null; // the emulator's; another one after a restart
let version = 0;
const requests = new Map(); // by number
let isShown = () => false;

const exchange = new Exchange({ onClose: (number) => list.focus(number) });
const list = new List({
  element: at("requests-list"),
  fallback: at("requests-title"),
  make: (request) => new Row(request),
  onTurn: draw,
  keyOf: (request) => request.number,
});

class Row {
  #part;
  #drawn = null;

  constructor({ number }) {
    const { element, part } = stamp("request-row");
    this.element = element;
    this.#part = part;
    this.opener = part.open;
    part.open.addEventListener("click", () => exchange.open(number));
  }

  update(request) {
    if (request === this.#drawn) return;
    this.#drawn = request;
    const part = this.#part;
    const isGoing = request.milliseconds === null;
    this.element.dataset.kind = isGoing ? "going" : hasFailed(request) ? "bad" : "good";
    say(part.method, request.method);
    say(part.operation, request.operation ?? "");
    say(part.status, request.is_cut ? "cut" : String(request.status ?? "under way"));
    say(part.duration, isGoing ? "" : `${Math.round(request.milliseconds)} ms`);
    say(part.at, when(request.job_time));
    part.at.dateTime = isoTime(request.job_time);
    sayPath(part.path, request.query ? `${request.path}?${request.query}` : request.path);
    part.fault.hidden = request.fault === null;
    say(part.fault, request.fault === null ? "" : `Planned: ${request.fault}`);
    part.error.hidden = request.error === null;
    say(part.error, request.error ?? "");
  }
}

export const path = () => `requests?since=${version}&limit=500`;

/** Take in what has changed; return whether there is more. */
export function show({ log: name, first, version: latest, has_more: hasMore, requests: changed }) {
  if (name !== log) {
    const isStale = version > 0;
    log = name;
    version = 0;
    requests.clear();
    if (isStale) return true;
  }
  version = latest;
  for (const request of changed) requests.set(request.number, request);
  const dropped = [...requests.keys()].filter((number) => first === null || number < first);
  for (const number of dropped) requests.delete(number);
  if (changed.length || dropped.length) {
    exchange.update(changed);
    if (!hasMore) draw();
  }
  return hasMore;
}

/** Draw while `isVisible()`; call `draw` when it has become visible. */
export function drawWhile(isVisible) {
  isShown = isVisible;
}

export function draw() {
  say(at("requests-badge"), requests.size ? requests.size.toLocaleString() : "");
  const all = [...requests.values()].sort((one, other) => other.number - one.number);
  showDeleted(all);
  if (!isShown()) return;
  drawOperations(all);
  const operation = at("requests-operation").value;
  const isFailedOnly = at("requests-failed").checked;
  const chosen = all.filter(
    (request) => (!operation || operation === (request.operation ?? OTHER)) && (!isFailedOnly || hasFailed(request)),
  );
  const page = chosen.slice(list.skip, list.skip + PAGE);
  list.show(page, { hasMore: chosen.length > list.skip + PAGE, total: chosen.length });
  say(at("requests-count"), chosen.length === all.length ? "" : `${chosen.length.toLocaleString()} of ${some(all.length, "request")}`);
  at("requests-empty").hidden = chosen.length > 0;
  say(at("requests-empty"), all.length ? "None of them is like that." : "None yet. What is sent to the Videos API appears here.");
}

function drawOperations(all) {
  const select = at("requests-operation");
  const seen = new Set(all.map((request) => request.operation ?? OTHER));
  for (const operation of seen) {
    const options = [...select.options];
    if (options.some((option) => option.value === operation)) continue;
    const next = options.slice(1).find((option) => option.value === OTHER || option.value > operation);
    select.add(make("option", operation), operation === OTHER ? null : (next ?? null));
  }
}

for (const control of [at("requests-operation"), at("requests-failed")]) {
  control.addEventListener("change", () => {
    list.skip = 0;
    draw();
  });
}
