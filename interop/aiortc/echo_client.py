"""Calls an echo with aiortc and prints one line of JSON: RESULT {...}; exit status 0 or 1.

Usage: echo_client.py URL {0|1|media}
"""
import array
import asyncio
import fractions
import json
import math
import random
import string
import sys
import urllib.request

from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from av import AudioFrame, VideoFrame

COLOUR = (120, 90, 200)
RATE, SAMPLES, HERTZ = 48000, 960, 440


class Colour(VideoStreamTrack):
    """One colour, 320x240."""

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(width=320, height=240, format="yuv420p")
        for plane, value in zip(frame.planes, COLOUR):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """A sine."""

    number = 0

    async def recv(self):
        await asyncio.sleep(0 if self.number == 0 else SAMPLES / RATE)
        start = self.number * SAMPLES
        self.number += 1
        samples = array.array(
            "h", (int(8000 * math.sin(2 * math.pi * HERTZ * (start + i) / RATE)) for i in range(SAMPLES))
        )
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(samples.tobytes())
        frame.pts, frame.sample_rate, frame.time_base = start, RATE, fractions.Fraction(1, RATE)
        return frame


def post(url, description):
    body = json.dumps({"type": description.type, "sdp": description.sdp}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


async def watch(track, wanted):
    """Waits for pictures of the colour."""
    good = 0
    while good < wanted:
        frame = await track.recv()
        seen = [bytes(plane)[plane.buffer_size // 2] for plane in frame.planes]
        good += all(abs(one - other) < 16 for one, other in zip(seen, COLOUR))
    return {"frames": good, "size": [frame.width, frame.height]}


async def hear(track, wanted):
    """Waits for stretches of the tone, counted by how often the sound crosses zero."""
    good, samples = 0, array.array("h")
    while good < wanted:
        frame = await track.recv()
        channels = len(frame.layout.channels)
        samples.extend(array.array("h", bytes(frame.planes[0]))[::channels][: frame.samples])
        if len(samples) < frame.sample_rate // 5:
            continue
        crossings = sum((a < 0) != (b < 0) for a, b in zip(samples, samples[1:]))
        hertz = crossings * frame.sample_rate / len(samples) / 2
        good += abs(hertz - HERTZ) < 20 and max(samples) > 2000
        samples = array.array("h")
    return {"stretches": good, "hertz": hertz}


async def call(url, test):
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connected, opened, tasks = asyncio.Event(), asyncio.Event(), {}
    back = asyncio.Queue()

    @pc.on("connectionstatechange")
    def on_state():
        if pc.connectionState == "connected":
            connected.set()

    @pc.on("track")
    def on_track(track):
        if test == "media":
            read = watch(track, 15) if track.kind == "video" else hear(track, 4)
            tasks[track.kind] = asyncio.ensure_future(read)

    channel = pc.createDataChannel("echo")
    channel.on("open", opened.set)
    channel.on("message", back.put_nowait)
    if test != "1":
        pc.addTrack(Tone())
    if test == "media":
        pc.addTrack(Colour())
    await pc.setLocalDescription(await pc.createOffer())
    answer = await asyncio.get_running_loop().run_in_executor(None, post, url, pc.localDescription)
    await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
    await connected.wait()
    result = {"connection": pc.connectionState}
    if test == "1":
        await opened.wait()
        text = "".join(random.choices(string.ascii_letters, k=5))
        channel.send(text)
        result["same"] = await back.get() == text
    if test == "media":
        result["audio"], result["video"] = await asyncio.gather(tasks["audio"], tasks["video"])
    await pc.close()
    return result


try:
    result = asyncio.run(asyncio.wait_for(call(sys.argv[1], sys.argv[2]), 60))
except Exception as error:  # what went wrong is the result
    result = {"error": repr(error)}
print("RESULT " + json.dumps(result), flush=True)
sys.exit(0 if "error" not in result and result.get("same", True) else 1)
