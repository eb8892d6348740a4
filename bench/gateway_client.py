"""The client of the gateway's bench, a process of its own: `python -m bench.gateway_client URL STREAMS EXCHANGES PACE`.

Sends EXCHANGES requests, STREAMS at a time, whose answers pause for PACE milliseconds after each event. Prints one JSON
document: seconds for all, the seconds to each one's first byte, and the digests of the answers that came (one, where
every answer was the same to the byte).
"""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp

from bench.gateway_servers import EVENTS, MODEL

_WORDS = "A small Rails application that talks to a language model. " * 60  # a prompt of 3.5 kB
_REQUEST = {
    "model": MODEL,
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_tokens": 1_000,
    "messages": [{"role": "system", "content": "You build applications."}, {"role": "user", "content": _WORDS}],
}
_HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer placeholder"}


@dataclass
class Load:
    """What is sent, and what came back."""

    url: str
    body: bytes
    turns: Iterator[int]
    first_bytes: list[float] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)

    async def stream(self, session: aiohttp.ClientSession, delay: float) -> None:
        await asyncio.sleep(delay)
        for _ in self.turns:
            sent = time.perf_counter()
            async with session.post(f"{self.url}/v1/chat/completions", data=self.body) as response:
                answer = await response.content.readany()
                self.first_bytes.append(time.perf_counter() - sent)
                answer += await response.content.read()
            self.digests.add(f"{response.status} {hashlib.sha256(answer).hexdigest()}")


async def measure(url: str, streams: int, exchanges: int, pace: int) -> dict[str, object]:
    load = Load(url, json.dumps({**_REQUEST, "user": str(pace)}).encode(), iter(range(exchanges)))
    # Paced streams are spread over the time of one answer, as agents are; the others start all at once.
    delays = [number * pace * EVENTS / 1_000 / streams for number in range(streams)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=_HEADERS) as session:
        began = time.perf_counter()
        await asyncio.gather(*(load.stream(session, delay) for delay in delays))
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "first_bytes": load.first_bytes, "digests": sorted(load.digests)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], *map(int, sys.argv[2:5])))))
