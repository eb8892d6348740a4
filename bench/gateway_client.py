"""The client of the gateway's bench, a process of its own: `python -m bench.gateway_client URL STREAMS EXCHANGES`.

Sends EXCHANGES requests, STREAMS at a time, and prints one JSON document: seconds for all, the seconds to each one's
first byte, and the digests of the answers that came (one, where every answer was the same to the byte).
"""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Iterator

import aiohttp

from bench.gateway_servers import MODEL

_WORDS = "A small Rails application that talks to a language model. " * 60  # a prompt of 3.5 kB
_BODY = json.dumps(
    {
        "model": MODEL,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 1_000,
        "messages": [{"role": "system", "content": "You build applications."}, {"role": "user", "content": _WORDS}],
    }
).encode()
_HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer placeholder"}


async def measure(url: str, streams: int, exchanges: int) -> dict[str, object]:
    firsts: list[float] = []
    digests: set[str] = set()
    turns = iter(range(exchanges))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=_HEADERS) as session:
        began = time.perf_counter()
        await asyncio.gather(*(_stream(session, url, turns, firsts, digests) for _ in range(streams)))
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "first_bytes": firsts, "digests": sorted(digests)}


async def _stream(
    session: aiohttp.ClientSession, url: str, turns: Iterator[int], firsts: list[float], digests: set[str]
) -> None:
    for _ in turns:
        sent = time.perf_counter()
        async with session.post(f"{url}/v1/chat/completions", data=_BODY) as response:
            body = await response.content.readany()
            firsts.append(time.perf_counter() - sent)
            body += await response.content.read()
        digests.add(f"{response.status} {hashlib.sha256(body).hexdigest()}")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
