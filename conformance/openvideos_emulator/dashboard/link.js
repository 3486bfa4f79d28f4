// Send requests to the emulator with the key, and poll what the page shows.
//
// Polling is the simplest way that survives a restart of the emulator and can send the key in a header, where no
// log and no history stores it. The responses are 304 or empty as long as nothing changes.

const INTERVAL = 1000;
const SELDOM = 5; // what is not shown is polled each fifth time
const LONGEST_PAUSE = 3000;
const PATIENCE = 15_000;

let key = null; // only in memory

/** The emulator refused a request. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function useKey(value) {
  key = value;
}

/** Send a request to the emulator; throws a Refusal if it is refused, a TypeError if there is no response. */
export async function send(url, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = new Headers(headers);
  if (key !== null) sent.set("authorization", `Bearer ${key}`);
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) sent.set("content-type", "application/json");
  const response = await fetch(url, {
    method,
    headers: sent,
    body: body === undefined || isForm ? body : JSON.stringify(body),
    signal,
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
  });
  if (response.ok || response.status === 304) return response;
  throw new Refusal(response.status, await reason(response));
}

/** Send a request to a control endpoint. */
export const ask = (path, options) => send(`_emulator/${path}`, options);

/** Say why a request has failed; `lost` says what did not happen without a response. */
export const why = (error, lost) =>
  error instanceof Refusal ? error.message : `The emulator does not respond; ${lost}.`;

async function reason(response) {
  const status = `The emulator's response has the status ${response.status}.`;
  try {
    const content = await response.json();
    // The imitated servers have envelopes of their own.
    const said = content.error?.message ?? content.error ?? content.detail ?? content.message ?? status;
    return typeof said === "string" ? said : JSON.stringify(said);
  } catch {
    return status;
  }
}

const sources = [];
let onState = () => {};
let turn = 0;
let failures = 0;
let isRunning = false;
let isUrgent = false;
let endWait = () => {};

/** Poll `path()` from now on, and give its content to `show` when it has changed.
 *
 * While `isShown()` is false, it is polled seldom. If `show` returns true, it is polled again at once.
 */
export function follow({ path, show, isShown = () => true }) {
  sources.push({ path, show, isShown, etag: null, read: null });
}

/** Start to poll, and call `onState` with the state of the connection. */
export async function start(listener) {
  onState = listener;
  if (isRunning) return;
  isRunning = true;
  turn = 0;
  while (isRunning) {
    const began = performance.now();
    await step();
    // A long list takes long: leave the emulator time for other requests.
    const took = performance.now() - began;
    const pause = failures ? INTERVAL * 2 ** (failures - 1) : Math.max(INTERVAL, 5 * took);
    await wait(Math.min(LONGEST_PAUSE, pause));
  }
}

/** Poll now, without waiting. */
export function wake() {
  isUrgent = true;
  endWait();
}

async function step() {
  const isWhole = isUrgent || turn % SELDOM === 0;
  turn += 1;
  isUrgent = false;
  try {
    for (const source of sources) {
      if (!isWhole && !source.isShown()) continue;
      while (await read(source));
    }
    failures = 0;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      isRunning = false;
      for (const source of sources) source.etag = null;
      onState("locked", error.message);
      return;
    }
    failures += 1;
    onState("lost", error instanceof Refusal ? error.message : "");
  }
}

async function read(source) {
  const path = source.path();
  const headers = source.etag && source.read === path ? { "if-none-match": source.etag } : {};
  const response = await ask(path, { headers, signal: AbortSignal.timeout(PATIENCE) });
  const text = await response.text(); // also of a 304, or the browser shows it as cancelled
  const content = response.status === 304 ? null : JSON.parse(text);
  onState("live");
  if (content === null || path !== source.path()) return false;
  source.etag = response.headers.get("etag");
  source.read = path;
  try {
    return source.show(content) === true;
  } catch (error) {
    reportError(error); // the others go on
    return false;
  }
}

async function wait(milliseconds) {
  if (isUrgent || !isRunning) return;
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    endWait = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  // A hidden page does not poll; it starts again when it is shown.
  if (document.hidden && !isUrgent) await new Promise((resolve) => (endWait = resolve));
}

document.addEventListener("visibilitychange", () => document.hidden || wake());
window.addEventListener("online", wake);
