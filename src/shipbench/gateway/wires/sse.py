"""Splits a server-sent event stream into the data of its events, however the bytes are cut."""

MAX_LINE = 8 * 1024 * 1024


class EventSplitter:
    """Feed it bytes, get the `data` of each event that became complete.

    Every provider puts one JSON document on one data line, so lines are events here. A line over `MAX_LINE` is dropped
    and counted in `dropped`.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipping = False
        self.dropped = 0

    def feed(self, data: bytes) -> list[bytes]:
        if b"\n" not in data:
            self._keep(data)
            return []
        first, *rest = data.split(b"\n")
        self._keep(first)
        events = [] if self._skipping else [bytes(self._pending)]
        self._pending.clear()
        self._skipping = False
        events += rest[:-1]
        self._keep(rest[-1])
        return [event for line in events if (event := _data(line)) is not None]

    def finish(self) -> list[bytes]:
        """The last line, where the stream ended without a line end."""
        event = None if self._skipping else _data(bytes(self._pending))
        self._pending.clear()
        return [] if event is None else [event]

    def _keep(self, data: bytes) -> None:
        if self._skipping:
            return
        self._pending += data
        if len(self._pending) > MAX_LINE:
            self._pending.clear()
            self._skipping = True
            self.dropped += 1


def _data(line: bytes) -> bytes | None:
    return line[5:].strip() if line.startswith(b"data:") else None
