// Talk to the emulator: send a request with the key, and read the list of jobs again and again.
//
// Polling is the simplest thing that survives a restart of the emulator and can carry the key in a header, where no
// log and no history keeps it. The answer is 304 for as long as nothing changes.

const INTERVAL = 1000;
const LONGEST_RETRY = 3000;
const PATIENCE = 15_000;

let key = null; // in memory, and nowhere else

/** The emulator answered, and refused. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function useKey(value) {
  key = value;
}

/** Send a request to a control endpoint; a Refusal if its answer is one, and a TypeError if there is none. */
export async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = new Headers(headers);
  if (key !== null) sent.set("authorization", `Bearer ${key}`);
  if (body !== undefined) sent.set("content-type", "application/json");
  const answer = await fetch(`_emulator/${path}`, {
    method,
    headers: sent,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
  });
  if (answer.ok || answer.status === 304) return answer;
  throw new Refusal(answer.status, await reason(answer));
}

async function reason(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `The emulator answered ${answer.status}.`;
  }
}

/** Read what `path()` names, and tell `onAnswer` when it has changed, `onState` how the connection is. */
export class Watch {
  #path;
  #onAnswer;
  #onState;
  #etag = null;
  #read = null;
  #failures = 0;
  #isRunning = false;
  #isUrgent = false;
  #endWait = () => {};

  constructor({ path, onAnswer, onState }) {
    this.#path = path;
    this.#onAnswer = onAnswer;
    this.#onState = onState;
    document.addEventListener("visibilitychange", () => this.wake());
    window.addEventListener("online", () => this.wake());
  }

  /** Read now, and from now on. */
  async start() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#isRunning) {
      this.#isUrgent = false;
      const began = performance.now();
      await this.#step();
      // Many jobs take long to list: the emulator has other things to do, too.
      const took = performance.now() - began;
      const retry = Math.min(LONGEST_RETRY, INTERVAL * 2 ** (this.#failures - 1));
      await this.#wait(this.#failures ? retry : Math.max(INTERVAL, 5 * took));
    }
  }

  /** Read without waiting any longer. */
  wake() {
    this.#isUrgent = true;
    this.#endWait();
  }

  async #step() {
    const path = this.#path();
    const headers = this.#etag && this.#read === path ? { "if-none-match": this.#etag } : {};
    try {
      const answer = await ask(path, { headers, signal: AbortSignal.timeout(PATIENCE) });
      const text = await answer.text(); // also of a 304, or the browser shows it as cancelled
      const content = answer.status === 304 ? null : JSON.parse(text);
      this.#failures = 0;
      this.#onState("live");
      if (content === null || path !== this.#path()) return;
      this.#etag = answer.headers.get("etag");
      this.#read = path;
      this.#onAnswer(content);
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
      // Nobody looks at a hidden page; it wakes when it is shown.
      const timer = document.hidden ? undefined : setTimeout(resolve, milliseconds);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
