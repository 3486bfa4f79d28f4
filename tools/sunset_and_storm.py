import time
from openvideos import OpenVideos as OpenAI

client = OpenAI()

# Create initial video
video = client.videos.create_and_poll(
    prompt="A serene sunset over mountains"
)

# Download the generated video
content = client.videos.download_content(video.id)
with open("sunset.mp4", "wb") as f:
    f.write(content.content)

# Create a remix with different prompt
remix = client.videos.remix(
    video.id,
    prompt="Transform the sunset to a dramatic thunderstorm"
)

# Poll for remix completion
while remix.status != "completed":
    time.sleep(5)
    remix = client.videos.retrieve(remix.id)

# Download remix
remix_content = client.videos.download_content(remix.id)
with open("storm.mp4", "wb") as f:
    f.write(remix_content.content)
