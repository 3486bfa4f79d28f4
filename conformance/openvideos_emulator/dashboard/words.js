// The words for jobs, times and requests that the parts of the page share.

export const STATUSES = {
  queued: "Queued",
  in_progress: "In progress",
  completed: "Completed",
  failed: "Failed",
};

export const hasEnded = (job) => job.status === "completed" || job.status === "failed";
export const isPlayable = (job) => job.status === "completed" && !job.expired;
export const hasFailed = (request) => request.is_cut || request.status >= 400;

/** Write Unix seconds as a person reads them: the day only if it is another one. */
export function when(seconds) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const time = date.toLocaleTimeString();
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

/** Write Unix seconds as a machine reads them; nothing if a date cannot be so late. */
export function isoTime(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** Write a number of seconds in its two largest units. */
export function span(seconds) {
  const words = [];
  let rest = seconds;
  for (const [unit, length] of [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = unit === "s" ? Math.round(rest * 10) / 10 : Math.floor(rest / length);
    rest -= count * length;
    if (count) words.push(`${count} ${unit}`);
  }
  return words.slice(0, 2).join(" ") || "0 s";
}

/** Write a number of things. */
export const some = (count, thing) => `${count.toLocaleString()} ${thing}${count === 1 ? "" : "s"}`;

/** Cut a prompt so that it fits into a sentence; never through the middle of a character. */
export function brief(prompt, length = 60) {
  const letters = Array.from(prompt.slice(0, 4 * length));
  return letters.length <= length ? letters.join("") : `${letters.slice(0, length - 1).join("")}…`;
}

/** Describe the changes between two lists of jobs; an empty text if there are none. */
export function news(before, jobs) {
  const changed = jobs.filter((job) => before.has(job.id) && before.get(job.id) !== job.status);
  if (changed.length === 0) return "";
  if (changed.length === 1) {
    const [job] = changed;
    return `“${brief(job.prompt, 40)}” is ${STATUSES[job.status].toLowerCase()}.`;
  }
  const counts = Object.keys(STATUSES)
    .map((status) => [status, changed.filter((job) => job.status === status).length])
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${STATUSES[status].toLowerCase()}`);
  return `${changed.length} videos have changed: ${counts.join(", ")}.`;
}
