// The dashboard: the connection, the key that it may need, and which of its parts are shown.

import "./create.js";
import * as faults from "./faults.js";
import * as jobs from "./jobs.js";
import { follow, start, useKey } from "./link.js";
import { at, notice, say, sayShortly } from "./page.js";
import { tryAgain } from "./pictures.js";
import * as requests from "./requests.js";
import { showTime } from "./time.js";
import * as webhooks from "./webhooks.js";

const wide = matchMedia("(width >= 75rem)"); // as in panels.css: the videos are always shown, the others beside them
const views = [...document.getElementsByName("view")];
const needsKey = document.documentElement.dataset.key === "needed";

let linkState = "waiting";
let linkReason = "";
let hasShown = false;

function showLink(state, reason = "") {
  const wasLost = linkState === "lost";
  const isNews = linkState !== state || linkReason !== reason;
  [linkState, linkReason] = [state, reason];
  at("link").dataset.state = state;
  at("key-form").hidden = state !== "locked";
  at("board").hidden = at("views").hidden = state === "locked" || !hasShown;
  if (state === "live" && wasLost) {
    sayShortly(at("link"), "Connected again", "Live");
    notice("");
    tryAgain();
  } else if (state === "live" && at("link").textContent !== "Connected again") {
    say(at("link"), "Live");
  } else if (state === "lost") {
    say(at("link"), "Not connected");
    // Said once: by now the notice may tell what a button could not do.
    if (isNews) notice(reason || "The emulator does not respond. This page goes on by itself once it is back.");
  } else if (state === "locked") {
    at("clock").hidden = true;
    say(at("link"), "Key needed");
    say(at("key-error"), reason);
    at("key").focus();
  }
}

at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key").value.trim();
  at("key").value = "";
  const isUsable = /^[!-~]+$/.test(key);
  say(at("key-error"), isUsable ? "" : "A key is printable ASCII without spaces; this one is not. Copy it again.");
  if (!isUsable) return;
  useKey(key);
  start(showLink);
});

const isShown = (name) => !at(name).hidden;

function showViews() {
  const [first, second] = views;
  if (wide.matches && first.checked) second.checked = true;
  for (const { value, checked } of views) at(value).hidden = !(checked || (value === "videos" && wide.matches));
  requests.draw();
}

for (const view of views) view.addEventListener("change", showViews);
wide.addEventListener("change", showViews);
requests.drawWhile(() => isShown("requests"));
showViews();

follow({
  path: jobs.path,
  show: (content) => {
    hasShown = true;
    at("board").hidden = at("views").hidden = false;
    showTime(content);
    jobs.show(content);
  },
});
follow(requests);
follow({ ...faults, isShown: () => isShown("faults") });
follow({ ...webhooks, isShown: () => isShown("webhooks") });

if (needsKey) showLink("locked");
else start(showLink);
