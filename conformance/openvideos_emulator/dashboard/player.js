// Show one job in a dialog: its clip, its whole prompt, and all its fields.

import { ask, why } from "./link.js";
import { closable, fact, say } from "./page.js";
import { hasEnded, isPlayable, STATUSES, when } from "./words.js";

const part = (name) => document.getElementById(`player-${name}`);
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  #dialog = document.getElementById("player");
  #job = null;
  #url = null;
  #abort = null;
  #hasClip = false;

  /** Call `onClose` with the id of the job that was shown. */
  constructor({ onClose }) {
    closable(this.#dialog, part("close"), () => {
      const { id } = this.#job;
      this.#forget();
      onClose(id);
    });
  }

  /** Open with the fields of a job that the list has, then read all of them. */
  open(job) {
    this.#abort = new AbortController();
    this.#job = job;
    this.#draw(job);
    this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    part("close").focus({ preventScroll: true });
    this.#load(job);
  }

  /** Update a job that changes while it is shown. */
  update(jobs) {
    const job = this.#job && jobs.find((each) => each.id === this.#job.id);
    if (!job || JSON.stringify(job) === JSON.stringify(this.#job)) return;
    const hasEndedNow = hasEnded(job) && !hasEnded(this.#job);
    this.#job = job;
    this.#draw({ ...job, prompt: part("prompt").textContent });
    if (hasEndedNow) this.#load(job);
  }

  async #load(job) {
    const { signal } = this.#abort;
    const path = `jobs/${encodeURIComponent(job.id)}`;
    try {
      if (isPlayable(job)) this.#wait("Loading the clip …");
      const [whole, clip] = await Promise.all([
        ask(path, { signal }).then((response) => response.json()),
        isPlayable(job) ? ask(`${path}/content`, { signal }).then((response) => response.blob()) : null,
      ]);
      if (signal.aborted) return;
      say(part("prompt"), whole.prompt);
      if (clip) this.#show(job, clip);
    } catch (error) {
      if (signal.aborted) return;
      if (!this.#hasClip) this.#wait("");
      say(part("error"), why(error, "close this, and open it again once the emulator is back"));
    }
  }

  #draw(job) {
    say(part("title"), `${STATUSES[job.status]} video`);
    say(part("prompt"), job.prompt);
    say(part("error"), job.error ? `${job.error.code}: ${job.error.message}` : "");
    if (!isPlayable(job)) {
      const left = hasEnded(job) ? "There is no clip." : `${job.progress} %`;
      this.#wait(job.expired ? "The clip has expired." : left);
    }
    const facts = {
      ID: job.id,
      Model: job.model,
      Size: job.size.replace("x", " × "),
      Length: `${job.seconds} s`,
      Pace: job.pace,
      "Polls so far": String(job.polls),
      Created: when(job.created_at),
      Ended: job.completed_at === null ? null : when(job.completed_at),
      "Files until": job.expires_at === null ? null : when(job.expires_at),
      "Remixed from": job.remixed_from_video_id,
      "Will fail with": job.fails_with && !hasEnded(job) ? job.fails_with.code : null,
    };
    part("facts").replaceChildren(
      ...Object.entries(facts)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => fact(name, value)),
    );
  }

  #wait(text) {
    this.#hasClip = false;
    const note = document.createElement("p");
    note.textContent = text;
    part("screen").replaceChildren(note);
    part("actions").replaceChildren();
  }

  #show(job, clip) {
    this.#revoke();
    this.#url = URL.createObjectURL(clip);
    this.#hasClip = true;
    const video = document.createElement("video");
    video.controls = true;
    video.loop = true;
    video.playsInline = true;
    video.autoplay = !isStill.matches;
    video.setAttribute("aria-label", "The clip");
    video.addEventListener("error", () => say(part("error"), "This browser cannot play the clip; download it."));
    const [width, height] = job.size.split("x").map(Number);
    video.style.setProperty("--ratio", width > 0 && height > 0 ? width / height : 1);
    video.src = this.#url;
    const save = document.createElement("a");
    save.className = "button";
    save.href = this.#url;
    save.download = `${job.id}.mp4`;
    save.textContent = `Download (${size(clip.size)})`;
    part("screen").replaceChildren(video);
    part("actions").replaceChildren(save);
  }

  #forget() {
    this.#abort.abort();
    this.#revoke();
    this.#wait("");
    this.#job = null;
  }

  #revoke() {
    if (this.#url === null) return;
    const video = part("screen").querySelector("video");
    video?.removeAttribute("src"); // or a clip that is still being loaded is missed
    video?.load();
    URL.revokeObjectURL(this.#url);
    this.#url = null;
  }
}

function size(bytes) {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
