// The form that starts a job, by the Videos API itself.

import { send, wake, why } from "./link.js";
import { at, disclose, say } from "./page.js";

const form = at("create");

disclose(at("new"), form);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new FormData(); // which all servers take that are imitated, or nearly
  for (const [name, value] of new FormData(form)) if (value.trim() !== "") body.append(name, value);
  say(at("create-error"), "");
  try {
    const response = await send("v1/videos", { method: "POST", body });
    const { id } = await response.json();
    say(at("create-result"), `Started ${id}`);
    wake();
  } catch (error) {
    say(at("create-result"), "");
    say(at("create-error"), why(error, "it is unknown whether the job was started"));
  }
});
