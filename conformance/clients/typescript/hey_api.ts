// Use the client that @hey-api/openapi-ts makes of openapi.form.yaml, as an application would.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "./generated/hey_api/client.gen.js";
import { createVideo, deleteVideo, downloadVideoContent, listVideos, retrieveVideo } from "./generated/hey_api/index.js";
import type { Video } from "./generated/hey_api/index.js";

const { OPENVIDEOS_PROMPT: prompt = "", OPENVIDEOS_SIZE: size, OPENVIDEOS_SECONDS: seconds } = process.env;
const { OPENVIDEOS_BASE_URL: baseUrl = "", OPENVIDEOS_API_KEY: key, OPENVIDEOS_OUTPUT: output = "." } = process.env;
const throwOnError = true;
client.setConfig({ baseUrl, auth: key });

const created = await createVideo({ body: { prompt, size, seconds }, throwOnError });
let video: Video = created.data;
let { headers } = created.response;
console.log("created", video.id, video.status);
const path = { video_id: video.id };
const unknownWords: Pick<Video, "model" | "status"> = { model: "of-tomorrow", status: "rendering" };
while (video.status !== "completed" && video.status !== "failed") {
  await sleep(Number(headers.get("openai-poll-after-ms") ?? 1000));
  const polled = await retrieveVideo({ path, throwOnError });
  video = polled.data;
  headers = polled.response.headers;
}
console.log("ended", video.status);
const page = (await listVideos({ query: { limit: 20, order: "desc" }, throwOnError })).data;
console.log("listed", page.data.map(({ id }) => id).join(" "));
const content = (await downloadVideoContent({ path, throwOnError })).data;
await writeFile(join(output, "video.mp4"), Buffer.from(await content.arrayBuffer()));
console.log("downloaded", content.size);
console.log("deleted", (await deleteVideo({ path, throwOnError })).data.id);
const { error, response } = await retrieveVideo({ path });
console.log("refused", response?.status, error?.error.code);
