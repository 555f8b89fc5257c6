"""An echo: POST /offer with {"type","sdp"} is answered in kind; media and messages come back.

Usage: echo_server.py PORT   (prints LISTENING PORT)
"""
import asyncio
import json
import sys

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

connections = set()


async def answer(offer):
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connections.add(pc)

    @pc.on("track")
    def on_track(track):
        pc.addTrack(track)

    @pc.on("datachannel")
    def on_channel(channel):
        @channel.on("message")
        def on_message(message):
            channel.send(message)

    @pc.on("connectionstatechange")
    async def on_state():
        print("state", pc.connectionState, flush=True)
        if pc.connectionState in ("failed", "closed"):
            connections.discard(pc)
            await pc.close()

    await pc.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
    await pc.setLocalDescription(await pc.createAnswer())
    return {"type": pc.localDescription.type, "sdp": pc.localDescription.sdp}


async def serve(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
    body = await reader.readexactly(length)
    status, text = "404 Not Found", "{}"
    if lines[0].startswith("POST /offer "):
        status, text = "200 OK", json.dumps(await answer(json.loads(body)))
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        f"Connection: close\r\n\r\n{text}".encode()
    )
    await writer.drain()
    writer.close()


async def main(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print("LISTENING", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
