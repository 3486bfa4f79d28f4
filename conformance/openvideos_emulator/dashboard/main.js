// The dashboard: what the page shows when, and what its controls do.

import { ask, Refusal, useKey, Watch } from "./link.js";
import { List } from "./list.js";
import { tryAgain } from "./pictures.js";
import { Player } from "./player.js";
import { news, say, STATUSES } from "./words.js";

const PAGE = 100;
const SHORTLY = 4000;

const at = (id) => document.getElementById(id);
const needsKey = document.documentElement.dataset.key === "needed";

let limit = PAGE;
let status = "";
let before = new Map();
let isGrowing = false;
let linkState = "waiting";
let hasShown = false;

const player = new Player({ onClose: (id) => list.focus(id) });
const list = new List({
  element: at("list"),
  template: at("row"),
  fallback: at("jobs"),
  onOpen: (job) => player.open(job),
  onEnd: (job, to) => advance({ jobs: [job.id], to }),
});
const watch = new Watch({
  path: () => `jobs?limit=${limit}${status && `&status=${status}`}`,
  onChange: show,
  onState: showLink,
});

// The connection, and the key that it may need.

function showLink(state, reason = "") {
  const wasLost = linkState === "lost";
  linkState = state;
  at("link").dataset.state = state;
  at("key-form").hidden = state !== "locked";
  at("board").hidden = state === "locked" || !hasShown;
  if (state === "live" && wasLost) {
    say(at("link"), "Connected again");
    setTimeout(() => linkState === "live" && say(at("link"), "Live"), SHORTLY);
    notice("");
    tryAgain();
  } else if (state === "live" && at("link").textContent !== "Connected again") {
    say(at("link"), "Live");
  } else if (state === "lost") {
    say(at("link"), "Not connected");
    notice(reason || "The emulator does not respond. This page goes on by itself once it is back.");
  } else if (state === "locked") {
    say(at("link"), "Key needed");
    say(at("key-error"), reason);
    at("key").focus();
  }
}

function notice(text) {
  at("notice").hidden = text === "";
  say(at("notice"), text);
}

at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key").value.trim();
  at("key").value = "";
  const isUsable = /^[!-~]+$/.test(key);
  say(at("key-error"), isUsable ? "" : "A key is printable ASCII without spaces; this one is not. Copy it again.");
  if (!isUsable) return;
  useKey(key);
  watch.start();
});

// The jobs.

function show({ pace, counts, jobs, has_more: hasMore }) {
  hasShown = true;
  at("board").hidden = false;
  const shown = list.length;
  list.show(jobs);
  player.update(jobs);
  say(at("news"), news(before, jobs) || at("news").textContent);
  before = new Map(jobs.map((job) => [job.id, job.status]));
  if (isGrowing && list.length > shown) {
    isGrowing = false;
    if (document.activeElement === at("more")) list.focusAt(shown);
  }
  at("more").hidden = !hasMore;
  showCounts(counts);
  showEmpty(counts);
  showPace(pace);
}

function showCounts(counts) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  for (const each of at("filter").querySelectorAll("[data-count]")) {
    say(each, String(each.dataset.count === "" ? all : counts[each.dataset.count]));
  }
  const running = counts.queued + counts.in_progress;
  document.title = `${running ? `(${running}) ` : ""}openvideos emulator`;
}

function showEmpty(counts) {
  const isNew = Object.values(counts).every((count) => count === 0);
  at("empty").hidden = list.length > 0;
  say(at("empty-title"), isNew ? "No videos yet" : `No video is ${STATUSES[status]?.toLowerCase()}`);
  say(at("empty-hint"), isNew ? "Create one, and it appears here by itself:" : "Choose another status to see the others.");
  at("command-row").hidden = !isNew;
}

at("more").addEventListener("click", () => {
  limit += PAGE;
  isGrowing = true;
  watch.wake();
});

const filters = [["", "All"], ...Object.entries(STATUSES)].map(([value, name]) => {
  const choice = at("choice").content.firstElementChild.cloneNode(true);
  const [input, text, count] = choice.children;
  input.value = value;
  input.checked = value === status;
  text.textContent = name;
  count.dataset.count = value;
  input.addEventListener("change", () => {
    status = value;
    limit = PAGE;
    before = new Map();
    watch.wake();
  });
  return choice;
});
at("filter").append(...filters);

// The time.

function showPace(pace) {
  say(at("pace"), `Pace ${pace}`);
  const kind = pace.startsWith("polls") ? "polls" : "seconds";
  if (at("time").dataset.kind === kind) return;
  at("time").dataset.kind = kind;
  for (const button of at("time").querySelectorAll("button")) button.remove();
  const steps = { polls: [["+1 poll", { polls: 1 }]], seconds: [["+1 s", { seconds: 1 }], ["+10 s", { seconds: 10 }]] };
  for (const [name, step] of [...steps[kind], ["Finish all", {}]]) {
    const button = document.createElement("button");
    button.textContent = name;
    button.addEventListener("click", () => advance(step));
    at("time").append(button);
  }
}

async function advance(step) {
  try {
    await ask("advance", { method: "POST", body: step });
    notice("");
    watch.wake();
  } catch (error) {
    notice(error instanceof Refusal ? error.message : "The emulator does not respond; nothing was advanced.");
  }
}

// The line that creates a job.

const authorization = needsKey ? ' -H "Authorization: Bearer $OPENVIDEOS_API_KEY"' : "";
at("command").textContent = `curl ${location.origin}/v1/videos${authorization} -F prompt="A cat on a skateboard"`;
at("copy").hidden = !navigator.clipboard; // browsers offer it to secure origins alone
at("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(at("command").textContent).then(
    () => say(at("copy"), "Copied"),
    () => say(at("copy"), "Not copied"),
  );
  setTimeout(() => say(at("copy"), "Copy"), SHORTLY);
});

if (needsKey) showLink("locked");
else watch.start();
