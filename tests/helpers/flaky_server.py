"""An HTTP server on this computer that fails in the ways of real ones."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler, int], None]


class Flaky:
    """Answers by path; remembers what it was asked."""

    def __init__(self, port: int):
        self.url = f"http://127.0.0.1:{port}"
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str | None]] = []

    def on(self, path: str, *answers: Answer) -> str:
        """Give one answer after the other to a path, the last one for ever; its address."""
        self.answers[path] = lambda handler, n: answers[min(n, len(answers) - 1)](handler, n)
        return self.url + path

    def ranges(self, path: str) -> list[str | None]:
        """Range headers of the requests for a path."""
        return [span for asked, span in self.asked if asked == path]


@contextmanager
def serve() -> Iterator[Flaky]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self):
            before = len(flaky.ranges(self.path))
            flaky.asked.append((self.path, self.headers.get("Range")))
            if self.path in flaky.answers:
                flaky.answers[self.path](self, before)
            else:
                self.send_error(404)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    flaky = Flaky(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield flaky
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        if value:
            handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(body: bytes, **headers: str) -> Answer:
    """All of the file, whatever range was asked for."""
    return lambda handler, _: reply(handler, 200, body, **headers)


def status(code: int) -> Answer:
    return lambda handler, _: handler.send_error(code)


def cut(body: bytes, n: int, **headers: str) -> Answer:
    """Promise the file, send n bytes of it, and hang up."""
    return whole(body[:n], **{"Content-Length": str(len(body))} | headers)


def ranged(body: bytes, *, upto: int | None = None, total: int | None = None, **headers) -> Answer:
    """Serve from the byte asked for; hang up before ``upto``."""

    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        start = int(re.match(r"bytes=(\d+)-", handler.headers.get("Range", "bytes=0-"))[1])
        size = len(body) if total is None else total
        if start >= size:
            reply(handler, 416, b"", Content_Range=f"bytes */{size}")
            return
        part = body[start:upto]
        span = f"bytes {start}-{len(body) - 1}/{size}"
        extra = {"Content-Length": str(len(body) - start), "Content-Range": span}
        reply(handler, 206 if start else 200, part, **extra | headers)

    return answer


def redirect(address: str) -> Answer:
    return lambda handler, _: reply(handler, 302, b"", Location=address)


def as_json(content: object) -> Answer:
    return whole(json.dumps(content).encode(), Content_Type="application/json")
