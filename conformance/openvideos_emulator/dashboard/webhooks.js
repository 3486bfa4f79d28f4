// The webhook events, the newest first: where they are sent, how often that was tried, and what was answered.

import { wake } from "./link.js";
import { List, PAGE } from "./list.js";
import { at, make, say, stamp } from "./page.js";
import { isoTime, some, when } from "./words.js";

const DELIVERIES = { pending: "Pending", delivered: "Delivered", given_up: "Given up" };
const KINDS = { pending: "going", delivered: "good", given_up: "bad" };

const list = new List({
  element: at("webhooks-list"),
  fallback: at("webhooks-title"),
  make: () => new Row(),
  onTurn: wake,
});

class Row {
  #part;

  constructor() {
    const { element, part } = stamp("event-row");
    this.element = element;
    this.#part = part;
  }

  update(event) {
    const part = this.#part;
    this.element.dataset.kind = KINDS[event.delivery];
    say(part.type, event.type);
    say(part.delivery, DELIVERIES[event.delivery]);
    say(part.at, when(event.created_at));
    part.at.dateTime = isoTime(event.created_at);
    say(part.id, event.video_id);
    say(part.attempts, attempts(event));
    const { history: tried } = event;
    part.all.hidden = tried.length < 2;
    if (part.tried.childElementCount === tried.length) return;
    part.tried.replaceChildren(...tried.map((each) => make("li", `${when(each.at)}: ${answer(each)}`)));
  }
}

const answer = ({ status, problem }) => (status === null ? problem : `answered with ${status}`);

function attempts({ attempts: count, attempted_at: last, next_attempt_at: next, ...said }) {
  if (count === 0) return "Not tried yet";
  const again = next === null ? "" : `; next at ${when(next)}`;
  return `${some(count, "attempt")}; the last at ${when(last)}: ${answer(said)}${again}`;
}

export const path = () => `events?limit=${PAGE}&skip=${list.skip}`;

export function show({ url, events, has_more: hasMore }) {
  const off = "Webhooks are not sent. To have them, start the emulator with --webhook-url, or PUT /_emulator/webhook.";
  const none = events.length || list.skip ? "" : " No job has ended since.";
  say(at("webhooks-url"), url === null ? off : `Sent to ${url}.${none}`);
  list.show(events, { hasMore });
  const waiting = events.filter((event) => event.delivery === "pending").length;
  say(at("webhooks-badge"), waiting ? String(waiting) : "");
}
