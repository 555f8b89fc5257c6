"""Receives the demo's media with aiortc over its WebSocket, in either signalling role, and prints one line of JSON.

Usage: receive.py ws://127.0.0.1:8080/ws {offer|answer} FRAMES   (the role is aiortc's)
"""
import array
import asyncio
import json
import sys

import websockets
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp


class Counter:
    """Counts what a track brings, decoded."""

    def __init__(self):
        self.frames = 0
        self.size = None
        self.rate = None
        self.loudest = 0
        self.enough = asyncio.Event()

    async def read(self, track, wanted):
        while True:
            frame = await track.recv()
            self.frames += 1
            if track.kind == "video":
                self.size = [frame.width, frame.height]
            else:
                self.rate = frame.sample_rate
                samples = array.array("h", bytes(frame.planes[0]))
                self.loudest = max(self.loudest, max(samples), -min(samples))
            if self.frames >= wanted:
                self.enough.set()


async def main(url, role, wanted):
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    counters = {"audio": Counter(), "video": Counter()}
    tasks = []

    @pc.on("track")
    def on_track(track):
        tasks.append(asyncio.ensure_future(counters[track.kind].read(track, wanted)))

    async with websockets.connect(url + ("?role=offer" if role == "offer" else "")) as socket:

        async def send_description():
            description = pc.localDescription
            await socket.send(json.dumps({"type": description.type, "sdp": description.sdp}))

        if role == "offer":
            pc.addTransceiver("audio", "recvonly")
            pc.addTransceiver("video", "recvonly")
            await pc.setLocalDescription(await pc.createOffer())
            await send_description()

        async def signalling():
            async for text in socket:
                message = json.loads(text)
                if "sdp" in message:
                    await pc.setRemoteDescription(RTCSessionDescription(message["sdp"], message["type"]))
                    if message["type"] == "offer":
                        await pc.setLocalDescription(await pc.createAnswer())
                        await send_description()
                elif message.get("candidate"):
                    candidate = candidate_from_sdp(message["candidate"].split(":", 1)[1])
                    candidate.sdpMid = message.get("sdpMid")
                    candidate.sdpMLineIndex = message.get("sdpMLineIndex")
                    await pc.addIceCandidate(candidate)

        signals = asyncio.ensure_future(signalling())
        both = asyncio.gather(*(counter.enough.wait() for counter in counters.values()))
        await asyncio.wait_for(both, 60)
        result = {
            "connection": pc.connectionState,
            "video": {"frames": counters["video"].frames, "size": counters["video"].size},
            "audio": {
                "frames": counters["audio"].frames,
                "rate": counters["audio"].rate,
                "loudest": counters["audio"].loudest,
            },
        }
        print("RESULT " + json.dumps(result), flush=True)
        signals.cancel()
        for task in tasks:
            task.cancel()
        await pc.close()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
