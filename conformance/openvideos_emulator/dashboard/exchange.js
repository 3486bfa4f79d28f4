// Show one request in a dialog, with all of what was sent and answered, as far as it is kept.

import { ask, why } from "./link.js";
import { at, closable, copies, fact, make, say } from "./page.js";
import { when } from "./words.js";

const part = (name) => at(`exchange-${name}`);

export class Exchange {
  #dialog = at("exchange");
  #number = null;
  #curl = "";

  /** Call `onClose` with the number of the request that was shown. */
  constructor({ onClose }) {
    closable(this.#dialog, part("close"), () => {
      const number = this.#number;
      this.#number = null;
      this.#clear();
      onClose(number);
    });
    copies(part("copy"), () => this.#curl);
  }

  open(number) {
    this.#number = number;
    this.#clear();
    say(part("title"), `Request ${number}`);
    part("copy").disabled = true;
    this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    part("close").focus({ preventScroll: true });
    this.#load(number);
  }

  /** Read a request again that was under way when it was opened. */
  update(changed) {
    if (changed.some(({ number }) => number === this.#number)) this.#load(this.#number);
  }

  async #load(number) {
    try {
      const response = await ask(`requests/${number}`);
      const request = await response.json();
      if (number === this.#number) this.#draw(request);
    } catch (error) {
      if (number === this.#number) say(part("error"), why(error, "close this, and open it again once it is back"));
    }
  }

  #clear() {
    say(part("error"), "");
    part("facts").replaceChildren();
    part("parts").replaceChildren();
  }

  #draw(request) {
    this.#curl = request.curl;
    part("copy").disabled = false;
    say(part("title"), `${request.method} ${request.operation ?? ""}`);
    say(part("error"), request.error ?? "");
    part("facts").replaceChildren(...facts(request));
    part("parts").replaceChildren(
      ...formOf(request),
      ...bodyOf("Body of the request", request.body, request.body_length, request.fields),
      ...bodyOf("Body of the response", request.response_body, request.response_length),
      ...section("As a command", text(request.curl)),
      ...headersOf("Headers of the request", request.headers),
      ...headersOf("Headers of the response", request.response_headers),
    );
  }
}

function facts(request) {
  const { milliseconds } = request;
  const status = request.status === null ? "none" : String(request.status);
  const all = [
    ["Path", request.query ? `${request.path}?${request.query}` : request.path],
    ["Status", request.is_cut ? `${status}, cut off` : milliseconds === null ? "under way" : status],
    ["Took", milliseconds === null ? null : `${milliseconds} ms`],
    ["At", when(request.job_time)],
    ["Real time", Math.abs(request.at - request.job_time) < 1 ? null : when(request.at)],
    ["Video", request.video_id],
    ["Planned fault", request.fault],
  ];
  return all.filter(([, value]) => value !== null).map(([name, value]) => fact(name, value));
}

function headersOf(title, headers) {
  if (headers.length === 0) return [];
  return section(title, text(headers.map(([name, value]) => `${name}: ${value}`).join("\n")));
}

/** Show the fields and the files of a form; a body of JSON is shown as it is. */
function formOf({ body, fields, files }) {
  if (body !== null || (files.length === 0 && Object.keys(fields).length === 0)) return [];
  const list = make("dl");
  list.className = "facts";
  for (const [name, value] of Object.entries(fields)) list.append(fact(name, value ?? ""));
  for (const { name, filename, media_type: type, length } of files) {
    list.append(fact(name, `${filename}, ${type ?? "of no type"}, ${length.toLocaleString()} bytes`));
  }
  return section("Form", list);
}

function bodyOf(title, body, length, fields = {}) {
  if (length === 0) return [];
  if (body === null) {
    const isForm = Object.keys(fields).length > 0;
    return isForm ? [] : section(title, make("p", `${length.toLocaleString()} bytes, which are no text and are not kept.`));
  }
  const note = new Blob([body]).size < length ? [make("p", `The beginning of ${length.toLocaleString()} bytes:`)] : [];
  return section(title, ...note, text(pretty(body)));
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function text(content) {
  const block = make("pre", content);
  block.tabIndex = 0; // so that it can be scrolled by keyboard
  return block;
}

function section(title, ...content) {
  return [make("h3", title), ...content];
}
