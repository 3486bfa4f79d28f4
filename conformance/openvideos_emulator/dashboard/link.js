// Send requests to the emulator with the key, and poll the list of jobs.
//
// Polling is the simplest way that survives a restart of the emulator and can send the key in a header, where no
// log and no history stores it. The response is 304 as long as nothing changes.

const INTERVAL = 1000;
const LONGEST_RETRY = 3000;
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

/** Send a request to a control endpoint; throws a Refusal if it is refused, a TypeError if there is no response. */
export async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = new Headers(headers);
  if (key !== null) sent.set("authorization", `Bearer ${key}`);
  if (body !== undefined) sent.set("content-type", "application/json");
  const response = await fetch(`_emulator/${path}`, {
    method,
    headers: sent,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
  });
  if (response.ok || response.status === 304) return response;
  throw new Refusal(response.status, await reason(response));
}

async function reason(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The emulator's response has the status ${response.status}.`;
  }
}

/** Poll `path()`; call `onChange` with what has changed, and `onState` with the state of the connection. */
export class Watch {
  #path;
  #onChange;
  #onState;
  #etag = null;
  #read = null;
  #failures = 0;
  #isRunning = false;
  #isUrgent = false;
  #endWait = () => {};

  constructor({ path, onChange, onState }) {
    this.#path = path;
    this.#onChange = onChange;
    this.#onState = onState;
    document.addEventListener("visibilitychange", () => this.wake());
    window.addEventListener("online", () => this.wake());
  }

  /** Start to poll, at once. */
  async start() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#isRunning) {
      this.#isUrgent = false;
      const began = performance.now();
      await this.#step();
      // A long list takes long: leave the emulator time for other requests.
      const took = performance.now() - began;
      const retry = Math.min(LONGEST_RETRY, INTERVAL * 2 ** (this.#failures - 1));
      await this.#wait(this.#failures ? retry : Math.max(INTERVAL, 5 * took));
    }
  }

  /** Poll now, without waiting. */
  wake() {
    this.#isUrgent = true;
    this.#endWait();
  }

  async #step() {
    const path = this.#path();
    const headers = this.#etag && this.#read === path ? { "if-none-match": this.#etag } : {};
    try {
      const response = await ask(path, { headers, signal: AbortSignal.timeout(PATIENCE) });
      const text = await response.text(); // also of a 304, or the browser shows it as cancelled
      const content = response.status === 304 ? null : JSON.parse(text);
      this.#failures = 0;
      this.#onState("live");
      if (content === null || path !== this.#path()) return;
      this.#etag = response.headers.get("etag");
      this.#read = path;
      this.#onChange(content);
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) {
        this.#isRunning = false;
        this.#etag = null;
        this.#onState("locked", error.message);
        return;
      }
      this.#failures += 1;
      this.#onState("lost", error instanceof Refusal ? error.message : "");
    }
  }

  #wait(milliseconds) {
    if (this.#isUrgent || !this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => {
      // A hidden page does not poll; it starts again when it is shown.
      const timer = document.hidden ? undefined : setTimeout(resolve, milliseconds);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
