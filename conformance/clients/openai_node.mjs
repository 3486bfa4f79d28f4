// Use openai for Node as an application would, to be judged: `openvideos-conformance client -- node THIS_FILE [stream]`.
// It has no poll: the loop is that of its documentation, until the job has ended. It sends every create as a form, with
// references as keys in brackets: input_reference[image_url], video[id].
import { createReadStream, createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";

const PAUSE_MS = 400;
const { OPENVIDEOS_PROMPT: prompt, OPENVIDEOS_SIZE: size, OPENVIDEOS_SECONDS: seconds } = process.env;
const { OPENVIDEOS_OUTPUT: output, OPENVIDEOS_INPUT_REFERENCE: file } = process.env;
const reference = file ? createReadStream(file) : { image_url: "https://images.example.org/boat.png" };
const client = new OpenAI();

async function ended(video) {
  while (video.status !== "completed" && video.status !== "failed") {
    await sleep(PAUSE_MS);
    video = await client.videos.retrieve(video.id);
  }
  if (video.status === "failed") throw new Error(`the job failed: ${video.error?.code}`);
  return video;
}

const video = await ended(await client.videos.create({ prompt, size, seconds, input_reference: reference }));
await writeFile(join(output, "video.json"), JSON.stringify(video));
const content = await client.videos.downloadContent(video.id);
if (process.argv[2] === "stream") {
  await pipeline(Readable.fromWeb(content.body), createWriteStream(join(output, "video.mp4")));
} else {
  await writeFile(join(output, "video.mp4"), Buffer.from(await content.arrayBuffer()));
}
const remix = await client.videos.remix(video.id, { prompt: "The same by night" });
await ended(remix);
await ended(await client.videos.edit({ prompt: "The same in snow", video: { id: video.id } }));
await ended(await client.videos.extend({ prompt: "It goes on", seconds, video: { id: video.id } }));
const listed = [];
for await (const each of client.videos.list({ limit: 20 })) listed.push(each);
await writeFile(join(output, "list.json"), JSON.stringify(listed));
await client.videos.delete(remix.id);
