"""The gateway: an HTTP server on loopback (and a unix socket) between agents and providers."""

import asyncio
import re
from pathlib import Path

from aiohttp import web

from shipbench.errors import InputError
from shipbench.gateway.exchange import Relay, error_response
from shipbench.gateway.recorder import MAX_BODY
from shipbench.gateway.trialwire import Ticket, TrialWire
from shipbench.gateway.wires import WIRES, wire_for

__all__ = ["Gateway", "Ticket", "TrialWire"]

_PLACE = re.compile(r"/t/(?P<token>[A-Za-z0-9_-]+)(?P<path>/.*)?")
_LONGEST_SOCKET = 107  # bytes in a unix socket's address
_SETTLE_SECONDS = 5


class Gateway:
    """Agents' only way to a model. Each attempt opens a wire; its path token says whose request it is."""

    def __init__(self) -> None:
        self.base_url = ""
        self._wires: dict[str, TrialWire] = {}
        self._runner: web.ServerRunner | None = None

    async def start(self, *, host: str = "127.0.0.1", port: int = 0, unix_socket: Path | None = None) -> None:
        """Listen on TCP and, where given, on a unix socket. InputError where either cannot be had."""
        # Bodies stay as they were sent, and an exchange outlives its client.
        server = web.Server(self._handle, auto_decompress=False, access_log=None, handler_cancellation=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise InputError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
        self.base_url = f"http://{host}:{self._runner.addresses[0][1]}"
        if unix_socket is not None:
            await self._listen_on(unix_socket)

    async def _listen_on(self, unix_socket: Path) -> None:
        assert self._runner is not None
        if len(bytes(unix_socket)) > _LONGEST_SOCKET:
            raise InputError(
                f"{unix_socket}: too long for a unix socket (over {_LONGEST_SOCKET} bytes); use a shorter folder"
            )
        try:
            await web.UnixSite(self._runner, unix_socket).start()
        except OSError as error:
            raise InputError(f"{unix_socket}: cannot listen: {error.strerror or error}") from None

    def open(self, ticket: Ticket) -> TrialWire:
        wire = TrialWire(ticket)
        self._wires[wire.token] = wire
        return wire

    async def stop(self) -> None:
        """Settle every wire, close their providers and stop listening."""
        await asyncio.gather(*(wire.settle(_SETTLE_SECONDS) for wire in self._wires.values()))
        for provider in {wire.provider for wire in self._wires.values()}:
            await provider.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        place = _PLACE.fullmatch(request.rel_url.raw_path)
        path = (place and place["path"]) or "/"
        errors = wire_for(path)
        trial = self._wires.get(place["token"]) if place else None
        if trial is None:
            return error_response(errors, 401, "the URL carries no known trial token")
        if trial.closed:
            return error_response(errors, 410, "this trial has ended")
        if trial.broken is not None:
            return error_response(errors, 500, trial.broken)
        wire = WIRES.get(path) if request.method == "POST" else None
        if wire is None and not (path == "/v1/models" and request.method == "GET"):
            return error_response(errors, 404, f"nothing answers {request.method} {path}")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return error_response(errors, 415, "send the request uncompressed")
        body = await _read(request)
        if body is None:
            return error_response(errors, 413, f"the request is over {MAX_BODY} bytes")
        relay = Relay(trial, wire, errors, request, body)
        await asyncio.wait([trial.start(relay.run())])
        return relay.response or error_response(errors, 500, "the exchange was cut off")


async def _read(request: web.BaseRequest) -> bytes | None:
    """The body, None where it is over the cap."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MAX_BODY:
            return None
    return bytes(body)
