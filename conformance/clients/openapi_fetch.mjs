// Use openapi-fetch, a client for the types that openapi-typescript makes of openapi.yaml, as an application would.
// Polling, the walk over pages and the form are the application's own.
import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";

const PAUSE_MS = 400;
const { OPENVIDEOS_PROMPT: prompt, OPENVIDEOS_SIZE: size, OPENVIDEOS_SECONDS: seconds } = process.env;
const { OPENVIDEOS_BASE_URL: baseUrl, OPENVIDEOS_API_KEY: key, OPENVIDEOS_OUTPUT: output } = process.env;
const file = process.env.OPENVIDEOS_INPUT_REFERENCE;
const client = createClient({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

function form(body) {
  const data = new FormData();
  for (const [name, value] of Object.entries(body)) {
    if (value instanceof Blob) data.append(name, value, basename(file));
    else if (value !== undefined) data.append(name, value);
  }
  return data;
}

function expected({ data, error, response }) {
  if (data === undefined) throw new Error(`${response.status} ${error?.error?.message}`);
  return data;
}

async function ended(video) {
  while (video.status !== "completed" && video.status !== "failed") {
    await sleep(PAUSE_MS);
    video = expected(await client.GET("/videos/{video_id}", { params: { path: { video_id: video.id } } }));
  }
  if (video.status === "failed") throw new Error(`the job failed: ${video.error?.code}`);
  return video;
}

const reference = file ? await openAsBlob(file, { type: "image/png" }) : undefined;
const body = { prompt, size, seconds, input_reference: reference };
const video = await ended(expected(await client.POST("/videos", { body, bodySerializer: form })));
await writeFile(join(output, "video.json"), JSON.stringify(video));
const params = { path: { video_id: video.id } };
const content = expected(await client.GET("/videos/{video_id}/content", { params, parseAs: "arrayBuffer" }));
await writeFile(join(output, "video.mp4"), Buffer.from(content));
const remix = expected(await client.POST("/videos/{video_id}/remix", { params, body: { prompt: "By night" } }));
await ended(remix);
const listed = [];
let page;
do {
  const after = page?.last_id;
  page = expected(await client.GET("/videos", { params: { query: { limit: 20, after } } }));
  listed.push(...page.data);
} while (page.has_more);
await writeFile(join(output, "list.json"), JSON.stringify(listed));
expected(await client.DELETE("/videos/{video_id}", { params: { path: { video_id: remix.id } } }));
