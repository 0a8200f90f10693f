"""Classify failed requests: the innermost cause, and whether a retry may help.

In: an exception raised by an HTTP library. Out: a stable id and a short text, which names proxy variables that are set
but not used.
"""

import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from requests.exceptions import InvalidURL
from requests.utils import should_bypass_proxies

CERTIFICATE, UNKNOWN_HOST, NETWORK, TIMED_OUT = "certificate_error", "unknown_host", "network_error", "timed_out"
PERMANENT = (CERTIFICATE, UNKNOWN_HOST)
"""Problems that a retry cannot solve: an invalid certificate, or a host name that does not exist."""

_NAME_NOT_FOUND = tuple(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)
_MAX_DETAIL_LENGTH = 200  # characters of a cause


class Cause(NamedTuple):
    """Why a request failed: a stable snake_case id and a text."""

    problem: str
    detail: str


def cause_of(error: BaseException, url: str, *, timed_out: bool = False) -> Cause:
    """Return the cause of `error`, which a request for `url` raised.

    A temporary failure of name resolution (EAI_AGAIN, also raised without a network) is a network error and may be
    retried. A name that does not exist, or is not a valid host name, is permanent.
    """
    chain = list(_causes(error))
    problem = TIMED_OUT if timed_out else NETWORK
    detail = _error_text(chain[-1])
    for inner in chain:
        if isinstance(inner, ssl.SSLCertVerificationError):
            problem, detail = CERTIFICATE, f"certificate verify failed: {inner.verify_message or _error_text(inner)}"
        elif isinstance(inner, socket.gaierror):
            problem = UNKNOWN_HOST if inner.errno in _NAME_NOT_FOUND else problem
            detail = f"{urlsplit(url).hostname}: {_error_text(inner)}"
        elif isinstance(inner, InvalidURL):
            problem = UNKNOWN_HOST
    return Cause(problem, detail[:_MAX_DETAIL_LENGTH] + unused_proxies(url))


def unused_proxies(url: str) -> str:
    """Return a note on proxy variables that match `url` but are not used, or ""."""
    parts = urlsplit(url)
    proxies = getproxies_environment()
    if not proxies or not parts.hostname or should_bypass_proxies(url, no_proxy=None):
        return ""
    names = [f"{kind}_proxy".upper() for kind in (parts.scheme, "all") if proxies.get(kind)]
    if not names:
        return ""
    return f" ({' and '.join(names)} set, but not used: requests go to the site directly)"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and its causes, innermost last."""
    seen: set[int] = set()
    inner: object = error
    while isinstance(inner, BaseException) and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        inner_errors = [
            part for part in (getattr(inner, "reason", None), *inner.args) if isinstance(part, BaseException)
        ]
        inner = inner_errors[0] if inner_errors else inner.__cause__ or inner.__context__


def _error_text(error: BaseException) -> str:
    """Return the message of an exception, without the error number of the system."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(str(text).split()) or type(error).__name__
