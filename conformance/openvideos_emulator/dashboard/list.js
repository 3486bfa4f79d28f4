// Update the list on the page to the list of jobs, and change only the rows that differ. Rows keep their elements, so
// that the focus, the scroll position and loaded pictures are kept.

import { forget, wish } from "./pictures.js";
import { brief, hasEnded, isoTime, isPlayable, say, STATUSES, when } from "./words.js";

const SIGNS = { queued: "…", in_progress: "…", completed: "▶", failed: "✕" };

class Row {
  #parts = {};
  #drawn = "";
  #wished = false;

  constructor(template, job, { onOpen, onEnd }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    for (const part of this.element.querySelectorAll("[data-part]")) this.#parts[part.dataset.part] = part;
    const { open, finish, fail } = this.#parts;
    this.element.dataset.id = job.id;
    open.addEventListener("click", () => onOpen(this.job));
    finish.addEventListener("click", () => onEnd(this.job, "completed"));
    fail.addEventListener("click", () => onEnd(this.job, "failed"));
    this.update(job);
  }

  get opener() {
    return this.#parts.open;
  }

  update(job) {
    this.job = job;
    const drawn = JSON.stringify(job);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const part = this.#parts;
    const title = brief(job.prompt);
    this.element.dataset.status = job.status;
    this.element.dataset.playable = isPlayable(job);
    part.open.setAttribute("aria-label", `${isPlayable(job) ? "Play" : "Show"}: ${title}`);
    say(part.sign, job.expired ? "expired" : SIGNS[job.status]);
    say(part.prompt, job.prompt);
    say(part.status, STATUSES[job.status]);
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
    forget(this.#parts.frame);
    this.element.remove();
  }

  #endActions(isOver) {
    const { actions, open } = this.#parts;
    // A button that is removed must not lose the focus.
    if (isOver && actions.contains(document.activeElement)) open.focus({ preventScroll: true });
    actions.hidden = isOver;
  }
}

export class List {
  #element;
  #template;
  #fallback;
  #actions;
  #rows = new Map();

  constructor({ element, template, fallback, onOpen, onEnd }) {
    this.#element = element;
    this.#template = template;
    this.#fallback = fallback;
    this.#actions = { onOpen, onEnd };
  }

  get length() {
    return this.#rows.size;
  }

  /** Show these jobs, in this order. */
  show(jobs) {
    const refocus = this.#removeAllBut(new Set(jobs.map((job) => job.id)));
    let place = this.#element.firstElementChild;
    for (const job of jobs) {
      let row = this.#rows.get(job.id);
      if (row) {
        row.update(job);
      } else {
        row = new Row(this.#template, job, this.#actions);
        this.#rows.set(job.id, row);
      }
      if (row.element === place) place = place.nextElementSibling;
      else this.#element.insertBefore(row.element, place);
    }
    refocus();
  }

  /** Put the focus on a job; on the heading of the list if it is gone. */
  focus(id) {
    (this.#rows.get(id)?.opener ?? this.#fallback).focus({ preventScroll: true });
  }

  /** Put the focus on the job at this place. */
  focusAt(index) {
    const element = this.#element.children[Math.min(index, this.length - 1)];
    this.focus(element?.dataset.id);
  }

  #removeAllBut(kept) {
    const focused = document.activeElement?.closest("li");
    const index = focused ? Array.prototype.indexOf.call(this.#element.children, focused) : -1;
    for (const [id, row] of this.#rows) {
      if (kept.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    // The element with the focus is gone: move the focus to the one in its place.
    return () => {
      if (index >= 0 && !focused.isConnected) this.focusAt(index);
    };
  }
}
