"""Runs in a sandbox without network: carries bytes from loopback to the gateway's Unix socket, and runs the agent.

    python -I bridge.py PORT SOCKET COMMAND [ARGUMENT…]

Only the standard library, and nothing of shipbench: the package must not come into the agent's sight. Ends with the
command's exit code, or 128 + the signal that ended it.
"""

import asyncio
import signal
import sys

CHUNK = 65536
CANNOT_START = 126


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        # One side hung up: closing this direction makes the other side see it too.
        writer.close()


async def connect(socket: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        gateway_reader, gateway_writer = await asyncio.open_unix_connection(socket)
    except OSError:
        writer.close()
        return
    try:
        await asyncio.gather(carry(reader, gateway_writer), carry(gateway_reader, writer))
    finally:
        gateway_writer.close()
        writer.close()


async def main(port: int, socket: str, command: list[str]) -> int:
    server = await asyncio.start_server(lambda reader, writer: connect(socket, reader, writer), "127.0.0.1", port)
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        print(f"bridge: cannot start {command[0]}: {error}", file=sys.stderr)
        return CANNOT_START
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, process.terminate)
    code = await process.wait()
    server.close()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])))
