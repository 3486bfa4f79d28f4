// Use openapi-fetch with the types that openapi-typescript makes of openapi.yaml, as an application would.
// A file is a string in these types: a form has a serializer of its own, and a download says how it is parsed.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi_typescript.js";

type Schemas = components["schemas"];
const { OPENVIDEOS_PROMPT: prompt = "", OPENVIDEOS_SIZE: size, OPENVIDEOS_SECONDS: seconds } = process.env;
const { OPENVIDEOS_BASE_URL: baseUrl, OPENVIDEOS_API_KEY: key, OPENVIDEOS_OUTPUT: output = "." } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

function form(body: object): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(body)) {
    if (value !== undefined) data.append(name, String(value));
  }
  return data;
}

function expected<T>(answer: { data?: T; error?: Schemas["ErrorResponse"]; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${answer.response.status} ${answer.error?.error.message}`);
  return answer.data;
}

const created = await client.POST("/videos", { body: { prompt, size, seconds }, bodySerializer: form });
let video = expected(created);
let { headers } = created.response;
console.log("created", video.id, video.status);
const params = { path: { video_id: video.id } };
const unknownWords: Pick<Schemas["Video"], "model" | "status"> = { model: "of-tomorrow", status: "rendering" };
while (video.status !== "completed" && video.status !== "failed") {
  await sleep(Number(headers.get("openai-poll-after-ms") ?? 1000));
  const polled = await client.GET("/videos/{video_id}", { params });
  video = expected(polled);
  headers = polled.response.headers;
}
console.log("ended", video.status);
const page = expected(await client.GET("/videos", { params: { query: { limit: 20, order: "desc" } } }));
console.log("listed", page.data.map(({ id }) => id).join(" "));
const content = expected(await client.GET("/videos/{video_id}/content", { params, parseAs: "arrayBuffer" }));
await writeFile(join(output, "video.mp4"), Buffer.from(content));
console.log("downloaded", content.byteLength);
console.log("deleted", expected(await client.DELETE("/videos/{video_id}", { params })).id);
const { error, response } = await client.GET("/videos/{video_id}", { params });
console.log("refused", response.status, error?.error.code);
