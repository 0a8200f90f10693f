"""Parse robots.txt according to RFC 9309, with wildcards and longest match.

The parser of the standard library uses the first matching rule and has no wildcards. No I/O.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from scraper.http.limits import ROBOTS_BYTES, ROBOTS_RULES


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules for our user agent as (allowed, path pattern), and the crawl delay."""

    rules: tuple[tuple[bool, str], ...] = ()
    crawl_delay: float | None = None

    def allows(self, path: str) -> bool:
        """Return whether `path` (with its query, percent-escaped) may be requested.

        The longest matching rule decides. Of rules of equal length, "allow" wins.
        """
        path = _normalise(path)
        best, allowed = -1, True
        for allow, pattern in self.rules:
            if (len(pattern) > best or (len(pattern) == best and allow)) and _matches(pattern, path):
                best, allowed = len(pattern), allow
        return allowed


def parse_robots(text: str, agent: str) -> RobotsRules:
    """Return the rules of robots.txt `text` for the product token `agent`.

    Invalid lines are ignored.
    """
    own_group: list[tuple[str, str]] = []
    default_group: list[tuple[str, str]] = []
    has_own_group = False  # whether a group names our user agent
    current_groups: list[list[tuple[str, str]]] = []
    in_user_agents = False  # whether the last lines were user-agent lines
    for line in re.split(r"[\r\n]+", text[:ROBOTS_BYTES].lstrip("\ufeff")):
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            if not in_user_agents:
                current_groups = []
            in_user_agents = True
            if value == "*":
                current_groups.append(default_group)
            elif _token(value) == agent.lower():
                has_own_group = True
                current_groups.append(own_group)
        elif key in ("allow", "disallow", "crawl-delay"):
            in_user_agents = False
            for group in current_groups:
                if len(group) < ROBOTS_RULES:
                    group.append((key, value))
    lines = own_group if has_own_group else default_group
    rules = tuple((key == "allow", _normalise(value)) for key, value in lines if key != "crawl-delay" and value)
    delays = [_seconds(value) for key, value in lines if key == "crawl-delay"]
    return RobotsRules(rules, max((delay for delay in delays if delay is not None), default=None))


def _token(value: str) -> str:
    match = re.match(r"[A-Za-z_-]+", value)
    return match[0].lower() if match else ""


def _seconds(value: str) -> float | None:
    return float(value) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value) else None


def _normalise(path: str) -> str:
    return quote(unquote(path), safe="/*$?&=;:@!,+()'~%")


def _matches(pattern: str, path: str) -> bool:
    """Return whether `pattern` matches the start of `path`.

    `*` matches any sequence, a final `$` the end. The time is at most O(len(pattern) · len(path)).
    """
    anchored = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not pieces:
        return not anchored or at == len(path)
    last = pieces.pop() if anchored else ""
    for piece in pieces:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return not anchored or (path.endswith(last) and len(path) - len(last) >= at)
