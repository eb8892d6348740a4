"""The gateway with recording on, against a minimal pass-through and against no proxy at all.

Upstream, proxy and client are a process each. Every exchange's answer is compared by digest on all ways.
"""

import hashlib
import json
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import litellm_proxy
from bench.gateway_servers import EVENTS, events
from bench.measure import Goal, Row, Say, Section, against, in_milliseconds
from bench.processes import Server, output_of, server

STREAMS = 32
PACE = 20  # milliseconds between events, as of a model that writes 50 tokens a second
_SLOW = 8  # LiteLLM's proxy gets so many times fewer exchanges a round, for the sake of the bench's own time
OURS, LEAST, DIRECT = "our gateway, recording", "minimal pass-through", "direct"


class _Sizes(NamedTuple):
    """In each of `rounds`: `single` exchanges one after another, `paced` and `burst` ones at 32 streams.

    `memory` are sent after them, in `slices`.
    """

    rounds: int
    single: int
    paced: int
    burst: int
    memory: int
    slices: int


_FULL = _Sizes(rounds=9, single=60, paced=64, burst=640, memory=20_000, slices=20)
_QUICK = _Sizes(rounds=1, single=3, paced=32, burst=40, memory=80, slices=2)


def run(quick: bool, say: Say) -> Section:
    sizes = _QUICK if quick else _FULL
    servers = "bench.gateway_servers"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shipbench-bench-")))
        upstream = stack.enter_context(server(servers, "upstream"))
        gateway = stack.enter_context(server(servers, "gateway", upstream.url, str(folder / "wire")))
        ways = {
            DIRECT: upstream,
            LEAST: stack.enter_context(server(servers, "passthrough", upstream.url)),
            OURS: gateway,
        }
        note = litellm_proxy.missing()
        if note is None:
            ways[litellm_proxy.NAME] = stack.enter_context(litellm_proxy.proxy(upstream.url, folder))
        rows = _speed(ways, sizes, say) + _memory(gateway, sizes, say)
    notes = [
        f"{EVENTS} events an answer, 3.5 kB a request; every answer had the SHA-256 of what the upstream sent.",
        "CPU is the proxy's own: on a machine with few cores client and upstream compete with it for the rest.",
    ]
    return Section("Gateway", rows, notes if note is None else [*notes, note])


def _speed(ways: dict[str, Server], sizes: _Sizes, say: Say) -> list[Row]:
    single, paced, loaded, rate, cpu = (defaultdict[str, list[float]](list) for _ in range(5))
    for number in range(sizes.rounds + 1):
        for name, way in ways.items():
            say(f"round {number} of {sizes.rounds}: {name}" if number else f"warming up: {name}")
            alone = _drive(way, 1, sizes.single)
            slow = _drive(way, STREAMS, sizes.paced, PACE)
            before = way.cpu_seconds()
            burst = sizes.burst if way.faithful else sizes.burst // _SLOW
            together = _drive(way, STREAMS, burst)
            if number:
                single[name].append(median(alone["first_bytes"]))
                paced[name].append(median(slow["first_bytes"]))
                loaded[name].append(median(together["first_bytes"]))
                rate[name].append(burst / together["seconds"])
                cpu[name].append((way.cpu_seconds() - before) / burst)
    del cpu[DIRECT]  # that is the upstream's
    twenty = {}
    if litellm_proxy.NAME in ways:
        twenty = {name: rate[name] for name in (OURS, litellm_proxy.NAME)}
    return [
        *_rows("first byte, 1 stream", in_milliseconds(single), "ms", Goal("at most", 1.3)),
        *_rows(
            f"first byte, {STREAMS} streams, {1_000 // PACE} events/s each",
            in_milliseconds(paced),
            "ms",
            Goal("at most", 1.3),
        ),
        *_rows(f"first byte, {STREAMS} streams, unpaced", in_milliseconds(loaded), "ms", Goal("at most", 1.3)),
        *_rows(f"throughput, {STREAMS} streams, unpaced", rate, "exchanges/s", Goal("at least", 0.8)),
        *against(
            "throughput, ours to LiteLLM's", twenty, litellm_proxy.NAME, "exchanges/s", {OURS: Goal("at least", 20)}
        ),
        *_rows("CPU of an exchange", in_milliseconds(cpu), "ms", None),
    ]


def _rows(what: str, values: dict[str, list[float]], unit: str, goal: Goal | None) -> list[Row]:
    return against(what, values, LEAST, unit, {OURS: goal} if goal else None)


def _drive(way: Server, streams: int, exchanges: int, pace: int = 0) -> dict[str, Any]:
    """What the client process measured. RuntimeError where an answer is not what the upstream sent."""
    found: dict[str, Any] = json.loads(
        output_of("bench.gateway_client", way.url, str(streams), str(exchanges), str(pace))
    )
    if found["digests"] != [f"200 {hashlib.sha256(b''.join(events())).hexdigest()}"] and way.faithful:
        raise RuntimeError(f"{way.url} gave other bytes than the upstream: {found['digests']}")
    if any(not digest.startswith("200 ") for digest in found["digests"]):
        raise RuntimeError(f"{way.url} answered {found['digests']}")
    return found


def _memory(gateway: Server, sizes: _Sizes, say: Say) -> list[Row]:
    """RSS of the gateway after each slice; the peer is the first one, when everything has been loaded."""
    part = sizes.memory // sizes.slices
    seen = []
    for number in range(1, sizes.slices + 1):
        say(f"memory: {number * part} of {sizes.memory} exchanges")
        _drive(gateway, STREAMS, part)
        seen.append(gateway.rss_mib())
    first, last = f"after {part}", f"after {sizes.memory}"
    return against(
        "memory (RSS) by exchanges", {first: [seen[0]], last: [seen[-1]]}, first, "MiB", {last: Goal("at most", 1.1)}
    )
