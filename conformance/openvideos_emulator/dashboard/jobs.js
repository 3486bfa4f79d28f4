// The videos: which of them are shown, each as a row, and those that were deleted.

import { wake } from "./link.js";
import { List, PAGE } from "./list.js";
import { at, copies, make, say, stamp, tell } from "./page.js";
import { forget, wish } from "./pictures.js";
import { Player } from "./player.js";
import { advance } from "./time.js";
import { brief, hasEnded, isoTime, isPlayable, news, some, STATUSES, when } from "./words.js";

const SIGNS = { queued: "…", in_progress: "…", completed: "▶", failed: "✕" };
const LISTED = 20; // of those that were deleted
const REMEMBERED = 1000;

let status = "";
let before = new Map();
const prompts = new Map(); // of the jobs that were seen, by their ids; the emulator keeps none of those deleted

const player = new Player({ onClose: (id) => list.focus(id) });
const list = new List({ element: at("list"), fallback: at("jobs"), make: (job) => new Row(job), onTurn: wake });

class Row {
  #part;
  #drawn = "";
  #wished = false;

  constructor(job) {
    const { element, part } = stamp("job-row");
    this.element = element;
    this.#part = part;
    this.opener = part.open;
    element.dataset.id = job.id;
    part.open.addEventListener("click", () => player.open(this.job));
    part.finish.addEventListener("click", () => advance({ jobs: [this.job.id], to: "completed" }));
    part.fail.addEventListener("click", () => advance({ jobs: [this.job.id], to: "failed" }));
  }

  update(job) {
    this.job = job;
    const drawn = JSON.stringify(job);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const part = this.#part;
    const title = brief(job.prompt);
    this.element.dataset.status = job.status;
    this.element.dataset.playable = isPlayable(job);
    part.open.setAttribute("aria-label", `${isPlayable(job) ? "Play" : "Show"}: ${title}`);
    say(part.sign, job.expired ? "expired" : SIGNS[job.status]);
    say(part.prompt, job.prompt);
    say(part.status, STATUSES[job.status]);
    part.mark.hidden = !job.expired;
    say(part.model, job.model);
    say(part.size, job.size.replace("x", " × "));
    say(part.seconds, `${job.seconds} s`);
    say(part.created, when(job.created_at));
    part.created.dateTime = isoTime(job.created_at);
    say(part.id, job.id);
    part.going.hidden = hasEnded(job);
    part.progress.value = job.progress;
    part.progress.setAttribute("aria-label", `Progress of ${title}`);
    say(part.percent, `${job.progress} %`);
    part.error.hidden = job.error === null;
    if (job.error) {
      say(part.code, job.error.code);
      say(part.message, job.error.message);
    }
    this.#endActions(hasEnded(job));
    part.finish.setAttribute("aria-label", `Finish: ${title}`);
    part.fail.setAttribute("aria-label", `Let fail: ${title}`);
    if (isPlayable(job) && !this.#wished) {
      this.#wished = true;
      wish(part.frame, part.image, job.id);
    }
  }

  remove() {
    forget(this.#part.frame);
  }

  #endActions(isOver) {
    const { actions, open } = this.#part;
    // A button that is removed must not lose the focus.
    if (isOver && actions.contains(document.activeElement)) open.focus({ preventScroll: true });
    actions.hidden = isOver;
  }
}

export const path = () => `jobs?limit=${PAGE}&skip=${list.skip}${status && `&status=${status}`}`;

export function show({ counts, jobs, has_more: hasMore }) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  list.show(jobs, { hasMore, total: status ? counts[status] : all });
  player.update(jobs);
  tell(news(before, jobs));
  before = new Map(jobs.map((job) => [job.id, job.status]));
  remember(jobs);
  for (const each of at("filter").querySelectorAll("[data-count]")) {
    say(each, String(each.dataset.count === "" ? all : counts[each.dataset.count]));
  }
  const running = counts.queued + counts.in_progress;
  document.title = `${running ? `(${running}) ` : ""}openvideos emulator`;
  at("empty").hidden = list.length > 0;
  say(at("empty-title"), all === 0 ? "No videos yet" : `No video is ${STATUSES[status]?.toLowerCase()}`);
  say(at("empty-hint"), all === 0 ? "Create one, and it appears here by itself:" : "Choose another status to see the others.");
  at("command-row").hidden = all > 0;
}

/** Show the videos that these requests have deleted, the newest first. */
export function showDeleted(requests) {
  const isGone = ({ operation, status: answer, video_id: id }) =>
    operation === "delete_video" && id !== null && answer >= 200 && answer < 300;
  const gone = requests.filter(isGone);
  at("deleted").hidden = gone.length === 0;
  say(at("deleted-count"), `${some(gone.length, "deleted video")}`);
  const listed = gone.slice(0, LISTED);
  const numbers = listed.map((request) => request.number).join();
  if (numbers === at("deleted-list").dataset.numbers) return;
  at("deleted-list").dataset.numbers = numbers;
  const items = listed.map(({ video_id: id, job_time: seconds }) => {
    const item = document.createElement("li");
    item.append(make("code", id), ` ${when(seconds)} `, make("span", prompts.get(id)));
    return item;
  });
  at("deleted-list").replaceChildren(...items);
}

function remember(jobs) {
  for (const { id, prompt } of jobs) {
    prompts.delete(id);
    prompts.set(id, brief(prompt));
  }
  for (const id of prompts.keys()) {
    if (prompts.size <= REMEMBERED) break;
    prompts.delete(id);
  }
}

const filters = [["", "All"], ...Object.entries(STATUSES)].map(([value, name]) => {
  const choice = at("choice").content.firstElementChild.cloneNode(true);
  const [input, text, count] = choice.children;
  input.value = value;
  input.checked = value === status;
  text.textContent = name;
  count.dataset.count = value;
  input.addEventListener("change", () => {
    status = value;
    list.skip = 0;
    before = new Map();
    wake();
  });
  return choice;
});
at("filter").append(...filters);

const needsKey = document.documentElement.dataset.key === "needed";
const authorization = needsKey ? ' -H "Authorization: Bearer $OPENVIDEOS_API_KEY"' : "";
at("command").textContent = `curl ${location.origin}/v1/videos${authorization} -F prompt="A cat on a skateboard"`;
copies(at("copy"), () => at("command").textContent);
