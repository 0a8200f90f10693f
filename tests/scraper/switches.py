"""The switches of `tests.scraper.chaos`: each makes one response faulty.

Switches with a value are created by a call, such as status(404).
"""

import gzip
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.scraper.chaos import ChaosHandler, Switch

MEGABYTE = 1 << 20


def status(code: int, **headers: str) -> Switch:
    return lambda handler: handler.reply(code, b"<html>no</html>", Content_Type="text/html", **headers)


def retry_after(value: str, code: int = 429) -> Switch:
    return status(code, Retry_After=value)


def retry_after_date(seconds: float, code: int = 503) -> Switch:
    def switch(handler: ChaosHandler) -> None:
        then = datetime.now(UTC) + timedelta(seconds=seconds)
        handler.reply(code, Retry_After=format_datetime(then, usegmt=True))

    return switch


def redirect(location: str, code: int = 302) -> Switch:
    return lambda handler: handler.reply(code, b"", Location=location)


def redirect_to_self(handler: ChaosHandler) -> None:
    handler.reply(301, b"", Location=handler.path)


def redirect_with_endless_body(handler: ChaosHandler) -> None:
    handler.head(302, Location="/elsewhere")
    while True:
        handler.wfile.write(b"x" * 100_000)


def redirect_with_bomb(handler: ChaosHandler) -> None:
    handler.reply(302, _bomb(), Location="/elsewhere", Content_Encoding="gzip")


def error_with_endless_body(handler: ChaosHandler) -> None:
    handler.head(404, Content_Type="text/html")
    while True:
        handler.wfile.write(b"x" * 100_000)


def body(data: bytes, kind: str = "audio/midi") -> Switch:
    return lambda handler: handler.reply(200, data, Content_Type=kind)


HTML = body(b"<!DOCTYPE html><html><title>File not found</title></html>", "text/html")
CHALLENGE_PAGE = b"<html><title>Just a moment</title><script src=/cdn-cgi/challenge-platform/x.js></script></html>"


def challenge(handler: ChaosHandler) -> None:
    handler.reply(403, CHALLENGE_PAGE, Content_Type="text/html")


def mitigated(handler: ChaosHandler) -> None:
    handler.reply(503, b"", cf_mitigated="challenge")


def reset_mid_body(handler: ChaosHandler) -> None:
    data = handler.data or b"x" * 100
    handler.head(200, Content_Length=str(len(data)), **_names(handler.headers_of(data)))
    handler.wfile.write(data[: len(data) // 2])
    handler.wfile.flush()
    handler.hang_up(reset=True)


def reset_at_once(handler: ChaosHandler) -> None:
    handler.hang_up(reset=True)


def truncated(handler: ChaosHandler) -> None:
    """Send half a body with the full length."""
    longer_claimed(handler, share=0.5)


def truncated_unsaid(handler: ChaosHandler) -> None:
    """Send half a body without a length; HTTP gives no sign that it is incomplete."""
    data = handler.data or b""
    handler.head(200, Connection="close", **_names(handler.headers_of(data)))
    handler.wfile.write(data[: len(data) // 2])
    handler.hang_up()


def truncated_chunks(handler: ChaosHandler) -> None:
    data = handler.data or b""
    handler.head(200, Transfer_Encoding="chunked", **_names(handler.headers_of(data)))
    half = data[: len(data) // 2]
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))
    handler.hang_up()


def longer_claimed(handler: ChaosHandler, share: float = 1.0) -> None:
    """Claim a length greater than that of the body."""
    data = handler.data or b""
    claimed = len(data) + (1000 if share == 1.0 else 0)
    handler.head(200, Content_Length=str(claimed), **_names(handler.headers_of(data)))
    handler.wfile.write(data[: int(len(data) * share)])
    handler.hang_up()


def shorter_claimed(handler: ChaosHandler) -> None:
    """Claim a length smaller than that of the body; the rest stays in the connection."""
    data = handler.data or b""
    handler.head(200, Content_Length=str(len(data) // 2), **_names(handler.headers_of(data)))
    handler.wfile.write(data)


def lengths_that_disagree(handler: ChaosHandler) -> None:
    data = handler.data or b""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data))
    handler.hang_up()


def wrong_bytes(handler: ChaosHandler) -> None:
    """Send the listed number of bytes with the last byte changed."""
    data = handler.data or b"MThd"
    handler.reply(200, data[:-1] + bytes([data[-1] ^ 1]), **_names(handler.headers_of(data)))


def one_byte_more(handler: ChaosHandler) -> None:
    data = handler.data or b"MThd"
    handler.reply(200, data + b"\0", **_names(handler.headers_of(data)))


def gzip_bomb(handler: ChaosHandler) -> None:
    handler.reply(200, _bomb(), Content_Encoding="gzip", Content_Type="text/html")


def gzip_bomb_in_gzip(handler: ChaosHandler) -> None:
    handler.reply(200, gzip.compress(_bomb()), Content_Encoding="gzip, gzip", Content_Type="text/html")


def gzip_garbage(handler: ChaosHandler) -> None:
    handler.reply(200, b"\x1f\x8b\x08garbage", Content_Encoding="gzip", Content_Type="text/html")


def drip(handler: ChaosHandler) -> None:
    """Send one byte at a time, each within the read timeout."""
    data = handler.data or b""
    handler.head(200, Content_Length=str(len(data)), **_names(handler.headers_of(data)))
    for at in range(len(data)):
        handler.wfile.write(data[at : at + 1])
        time.sleep(0.3)


def drip_head(handler: ChaosHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(90):
        handler.wfile.write(b"X-%d: y\r\n" % number)
        time.sleep(0.3)


def silence(handler: ChaosHandler) -> None:
    time.sleep(2)
    handler.hang_up()


def endless_body(handler: ChaosHandler) -> None:
    handler.head(200, Content_Type="audio/midi")
    with suppress(OSError):
        while True:
            handler.wfile.write(b"MThd" * 10_000)
    handler.hang_up()


def endless_chunks(handler: ChaosHandler) -> None:
    handler.head(200, Content_Type="audio/midi", Transfer_Encoding="chunked")
    while True:
        handler.wfile.write(b"1000;x=%s\r\n%s\r\n" % (b"y" * 1000, b"M" * 0x1000))


def endless_head(handler: ChaosHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-Header: y\r\n" * 100)


def endless_header_line(handler: ChaosHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
    while True:
        handler.wfile.write(b"y" * 10_000)


def endless_continue(handler: ChaosHandler) -> None:
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def gibberish(handler: ChaosHandler) -> None:
    handler.wfile.write(b"\x00\xff" * 100 + b"\r\n\r\n")
    handler.hang_up()


def changing_to(new: bytes) -> Switch:
    """Replace the page while it is sent.

    The first half is the old page, the second the new one, with the old length.
    """

    def switch(handler: ChaosHandler) -> None:
        old = handler.data or b""
        half = len(old) // 2
        handler.reply(200, old[:half] + new[half : len(old)].ljust(len(old) - half), **_names(handler.headers_of(old)))

    return switch


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def _bomb(size: int = 200 * MEGABYTE) -> bytes:
    if not _BOMBS:
        _BOMBS.append(gzip.compress(bytes(size), 1))
    return _BOMBS[0]


_BOMBS: list[bytes] = []
