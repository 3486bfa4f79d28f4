// Load the thumbnails that are in view, a few at a time, so that it is not busy rendering 5,000 clips.

import { ask, Refusal } from "./link.js";

const AT_ONCE = 3; // a browser opens six connections, of which the list and the player need some

const wishes = new Map(); // what to load, by the element to load it into
const inView = new Set();
const missed = new Set();
let loading = 0;

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) inView.add(target);
      else inView.delete(target);
    }
    loadNext();
  },
  { rootMargin: "150px" },
);

/** Load a job's thumbnail into an image as soon as the image's frame is in view. */
export function wish(frame, image, id) {
  wishes.set(frame, { image, id });
  observer.observe(frame);
}

/** Forget a frame that is removed from the page. */
export function forget(frame) {
  observer.unobserve(frame);
  for (const each of [wishes, inView, missed]) each.delete(frame);
}

/** Try again what failed while the emulator was not running. */
export function tryAgain() {
  for (const frame of missed) inView.add(frame);
  missed.clear();
  loadNext();
}

function loadNext() {
  for (const frame of inView) {
    if (loading >= AT_ONCE) return;
    inView.delete(frame);
    const wanted = wishes.get(frame);
    if (wanted) load(frame, wanted);
  }
}

async function load(frame, { image, id }) {
  loading += 1;
  try {
    const response = await ask(`jobs/${encodeURIComponent(id)}/content?variant=thumbnail`);
    const url = URL.createObjectURL(await response.blob());
    image.src = url;
    await image.decode().finally(() => URL.revokeObjectURL(url));
    image.hidden = false;
    forget(frame);
  } catch (error) {
    if (error instanceof Refusal) forget(frame);
    else if (wishes.has(frame)) missed.add(frame);
  } finally {
    loading -= 1;
    loadNext();
  }
}
