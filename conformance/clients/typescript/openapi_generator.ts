// Use the client that OpenAPI Generator (typescript-fetch) makes of openapi.json.yaml, as an application would.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Configuration, ErrorResponseFromJSON, ResponseError, VideosApi } from "./generated/openapi_generator/index.js";
import type { Video } from "./generated/openapi_generator/index.js";

const { OPENVIDEOS_PROMPT: prompt = "", OPENVIDEOS_SIZE: size, OPENVIDEOS_SECONDS: seconds } = process.env;
const { OPENVIDEOS_BASE_URL: basePath, OPENVIDEOS_API_KEY: accessToken, OPENVIDEOS_OUTPUT: output = "." } = process.env;
const videos = new VideosApi(new Configuration({ basePath, accessToken }));

let answer = await videos.createVideoRaw({ createVideoJson: { prompt, size, seconds } });
let video: Video = await answer.value();
console.log("created", video.id, video.status);
const videoId = video.id;
const unknownWords: Pick<Video, "model" | "status"> = { model: "of-tomorrow", status: "rendering" };
while (video.status !== "completed" && video.status !== "failed") {
  await sleep(Number(answer.raw.headers.get("openai-poll-after-ms") ?? 1000));
  answer = await videos.retrieveVideoRaw({ videoId });
  video = await answer.value();
}
console.log("ended", video.status);
const page = await videos.listVideos({ limit: 20, order: "desc" });
console.log("listed", page.data.map(({ id }) => id).join(" "));
const content = await videos.downloadVideoContent({ videoId });
await writeFile(join(output, "video.mp4"), Buffer.from(await content.arrayBuffer()));
console.log("downloaded", content.size);
console.log("deleted", (await videos.deleteVideo({ videoId })).id);
const problem: unknown = await videos.retrieveVideo({ videoId }).catch((reason: unknown) => reason);
if (!(problem instanceof ResponseError)) throw problem;
const { error } = ErrorResponseFromJSON(await problem.response.json());
console.log("refused", problem.response.status, error.code);
