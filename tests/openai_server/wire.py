"""HTTP/1.1 over asyncio: httptools reads requests, and answers are sent as faults want them."""

import asyncio
import socket
import struct
from collections import deque
from http import HTTPStatus
from typing import cast

import httptools

from tests.openai_server.app import App, Delivery, Exchange
from tests.openai_server.call import Answer
from tests.openai_server.faults import Hang, Refuse, Reset, Send

_PIECES = 10
_BACKLOG = 1024


class Wire:
    """The listening socket and its connections; lives in one event loop."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.latency = 0.0
        """Real seconds by which every answer is late."""

        self.connections: set[Connection] = set()
        self.accepted = 0
        """How many connections were made so far."""

        self._listener: socket.socket | None = None
        self._arriving: set[asyncio.Task[object]] = set()
        self._pauses: set[asyncio.Task[None]] = set()

    def listen(self, port: int) -> int:
        """Let connections in; the port that was found when `port` is 0. Raises `OSError`."""
        self._listener = bind(port)
        self._open()
        return int(self._listener.getsockname()[1])

    def refuse_for(self, seconds: float) -> None:
        """Let nobody in for some real seconds and end every connection."""
        task = asyncio.get_running_loop().create_task(self._refuse(seconds))
        self._pauses.add(task)
        task.add_done_callback(self._pauses.discard)

    async def close(self) -> None:
        """Let nobody in any more and end every connection."""
        for task in self._pauses:
            task.cancel()
        self._shut()
        await self._end_connections()

    async def _refuse(self, seconds: float) -> None:
        if self._listener is None:
            return
        port = self._listener.getsockname()[1]
        self._shut()
        self._listener = bind(port)  # held, so that nobody else gets it while it is not open
        await self._end_connections()
        await asyncio.sleep(seconds)
        self._open()

    def _open(self) -> None:
        assert self._listener is not None
        self._listener.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _shut(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _end_connections(self) -> None:
        # Not asyncio's own server: closing that loses connections that are just being accepted.
        await asyncio.gather(*self._arriving, return_exceptions=True)
        ending = list(self.connections)
        for connection in ending:
            connection.reset()
        await asyncio.gather(*(each.lost for each in ending))

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            arrived, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        arrived.setblocking(False)
        loop = asyncio.get_running_loop()
        connecting = loop.connect_accepted_socket(lambda: Connection(self), arrived)
        task: asyncio.Task[object] = loop.create_task(connecting)
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)


class Connection(asyncio.Protocol):
    """One connection; answers its requests one by one."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._exchange: Exchange | None = None
        self._waiting: deque[tuple[Exchange, bytes, bool]] = deque()
        self._is_busy = False
        self._transport: asyncio.Transport
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection, to be able to end it."""
        self._transport = cast(asyncio.Transport, transport)
        self._wire.connections.add(self)
        self._wire.accepted += 1

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._wire.connections.discard(self)
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read what came; what is not HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            self._transport.close()

    def on_message_begin(self) -> None:
        """Start a request."""
        self._target, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Find out where the request goes, and whether its body is read at all."""
        method = self._parser.get_method().decode()
        with self._wire.app.lock:
            self._exchange = self._wire.app.open(method, self._target.decode(), self._headers)
            if self._exchange.is_unread:
                self._wire.app.serve(self._exchange, b"")
                self.reset()
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Serve the request when its turn comes."""
        assert self._exchange is not None
        if not self._exchange.is_unread:
            body, keep = b"".join(self._body), self._parser.should_keep_alive()
            self._waiting.append((self._exchange, body, keep))
            self._serve_next()

    def reset(self) -> None:
        """End the connection in the rudest way."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _serve_next(self) -> None:
        if self._is_busy or not self._waiting or self._transport.is_closing():
            return
        self._is_busy = True
        exchange, body, keep = self._waiting.popleft()
        with self._wire.app.lock:
            answer, delivery = self._wire.app.serve(exchange, body)
        if self._wire.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._wire.latency, self._deliver, answer, delivery, keep)
        else:
            self._deliver(answer, delivery, keep)

    def _deliver(self, answer: Answer, delivery: Delivery, keep: bool) -> None:
        loop = asyncio.get_running_loop()
        match delivery:
            case Send(how, pause):
                self._send(answer, how, pause, keep)
            case Hang(seconds):
                loop.call_later(seconds, self._transport.abort)
            case Reset():
                self.reset()
            case Refuse(seconds):
                self._wire.refuse_for(seconds)

    def _send(self, answer: Answer, how: str, pause: float, keep: bool) -> None:
        head = write_head(answer, keep=keep, chunked=how == "chunked")
        loop = asyncio.get_running_loop()
        match how:
            case "truncated":
                self._transport.write(head + answer.body[: len(answer.body) // 2])
                self._transport.close()
            case "chunked":
                middle = len(answer.body) // 2
                halves = (answer.body[:middle], answer.body[middle:], b"")
                chunks = (b"%x\r\n%b\r\n" % (len(half), half) for half in halves)
                self._transport.write(head + b"".join(chunks))
                self._finish(keep)
            case "drip":
                self._transport.write(head)
                size = max(1, len(answer.body) // _PIECES)
                pieces = range(0, len(answer.body), size)
                for turn, start in enumerate(pieces, 1):
                    piece = answer.body[start : start + size]
                    loop.call_later(pause * turn, self._transport.write, piece)
                loop.call_later(pause * (len(pieces) + 1), self._finish, keep)
            case _:
                self._transport.write(head + answer.body)
                self._finish(keep and how == "whole")

    def _finish(self, keep: bool) -> None:
        self._is_busy = False
        if keep:
            self._serve_next()
        else:
            self._transport.close()


def bind(port: int) -> socket.socket:
    """A socket that holds a port of loopback and does not listen yet. Raises `OSError`."""
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


def write_head(answer: Answer, *, keep: bool, chunked: bool) -> bytes:
    """The status line and the headers."""
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines.append("transfer-encoding: chunked" if chunked else f"content-length: {len(answer.body)}")
    if not keep:
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
