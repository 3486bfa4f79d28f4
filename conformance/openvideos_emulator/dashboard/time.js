// The time as jobs see it, the job speed, and the buttons that advance both.

import { ask, wake, why } from "./link.js";
import { at, notice, say } from "./page.js";
import { isoTime, span, when } from "./words.js";

const TICK = 1000;

let offset = null; // in seconds, from the time of this browser

export function showTime({ now, ahead, pace }) {
  offset = now - Date.now() / 1000;
  at("clock").hidden = false;
  at("ahead").hidden = ahead === 0;
  say(at("ahead"), `${span(ahead)} ahead`);
  say(at("pace"), `Pace ${pace}`);
  for (const button of at("time").querySelectorAll("[data-step*=polls]")) button.hidden = !pace.startsWith("polls");
  tick();
}

/** Advance all jobs, or those that the step names. */
export async function advance(step) {
  try {
    await ask("advance", { method: "POST", body: step });
    notice("");
    wake();
  } catch (error) {
    notice(why(error, "nothing was advanced"));
  }
}

function tick() {
  if (offset === null) return;
  const now = Date.now() / 1000 + offset;
  say(at("now"), when(now));
  at("now").dateTime = isoTime(now);
}

for (const button of at("time").querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => advance(JSON.parse(button.dataset.step)));
}
setInterval(tick, TICK);
