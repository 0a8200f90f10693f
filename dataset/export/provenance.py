"""Where the pieces of an export come from, and how to cite it.

In: a corpus. Out: dates for each piece, Markdown sections, an entry for BibTeX, and the text of CITATION.cff. The same
corpus gives the same bytes.
"""

import ipaddress
import json
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from dataset.corpus.corpus import Corpus
from dataset.corpus.credits import escape_markdown

CITATION_FILE = "CITATION.cff"
CREATORS = "The composers and sequencers named in CREDITS.md"


def dates_of(corpus: Corpus) -> list[tuple[str | None, str | None]]:
    """Return (listed_at, fetched_at) of each piece in ISO 8601, in corpus order."""
    columns = (corpus.provenance()[name].to_pylist() for name in ("listed_at", "fetched_at"))
    return [(iso(listed), iso(fetched)) for listed, fetched in zip(*columns, strict=True)]


def iso(time: datetime | None) -> str | None:
    """Return a time in ISO 8601, or None."""
    return None if time is None else time.isoformat()


def host_of(url: str) -> str | None:
    """Return the host of a web address; None for the path of an imported file."""
    parts = urlsplit(url)
    return parts.hostname if parts.scheme in ("http", "https") else None


def is_public(host: str) -> bool:
    """Return whether a host is on the internet, by its name or address."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".local", ".localhost", ".lan", ".internal"))


def origin(corpus: Corpus) -> str:
    """Return where the files come from, in words such as "collected from a public archive"."""
    hosts = Counter(map(host_of, corpus.table()["url"].to_pylist()))
    public = [host for host in sorted(filter(None, hosts)) if is_public(host)]
    private = [host for host in sorted(filter(None, hosts)) if not is_public(host)]
    parts = []
    if public:
        archives = "public archives" if len(public) > 1 else "a public archive"
        parts.append((sum(hosts[host] for host in public), f"collected from {archives} ({', '.join(public)})"))
    if private:
        parts.append((sum(hosts[host] for host in private), f"collected from a private server ({', '.join(private)})"))
    if hosts[None]:
        parts.append((hosts[None], "imported from local files"))
    if len(parts) == 1:
        return escape_markdown(parts[0][1])
    return ", ".join(f"{count} of them {escape_markdown(text)}" for count, text in parts)


def sources_section(corpus: Corpus) -> str:
    """Return a Markdown section with a row for each source and host."""
    found: dict[tuple[str, str], list[tuple[str | None, str | None]]] = {}
    table = corpus.table()
    for source, url, dates in zip(table["source"].to_pylist(), table["url"].to_pylist(), dates_of(corpus), strict=True):
        found.setdefault((source, host_of(url) or "local files"), []).append(dates)
    lines = ["| source | from | pieces | listed | fetched |", "|---|---|---|---|---|"]
    for (source, host), dates_ in sorted(found.items()):
        cells = [escape_markdown(source), escape_markdown(host), str(len(dates_))]
        lines.append("| " + " | ".join([*cells, *(_range(column) for column in zip(*dates_, strict=True))]) + " |")
    return "\n".join(["## Sources", "", *lines])


def _range(times: tuple[str | None, ...]) -> str:
    days = sorted(time[:10] for time in times if time)
    return "not stated" if not days else days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"


def citation_section(corpus: Corpus) -> str:
    """Return a Markdown section with a BibTeX entry; for other formats, CITATION.cff."""
    entry = bibtex(corpus).replace("\n", "\n    ")
    return (
        "## Citation\n\nName the people in CREDITS.md, and the version of the corpus by its SHA-256. "
        f"CITATION.cff has the same.\n\n    {entry}"
    )


def bibtex(corpus: Corpus) -> str:
    """Return an entry for BibTeX."""
    year = max((fetched[:4] for _, fetched in dates_of(corpus) if fetched), default=None)
    fields = {
        "title": f"{{{title_of(corpus)}}}",
        "author": f"{{{CREATORS}}}",
        **({"year": year} if year else {}),
        "howpublished": f"Corpus built with vgpiano {_version(corpus)}",
        "note": f"SHA-256 of notes.parquet: {corpus.hash}",
    }
    entry = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{corpus.name}-{corpus.hash[:8]},\n{entry}}}"


def citation_cff(corpus: Corpus) -> str:
    """Return the text of CITATION.cff, in the Citation File Format 1.2.0."""
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this data set, cite it and name the people in CREDITS.md.",
        "type: dataset",
        f"title: {_yaml(title_of(corpus))}",
        "authors:",
        f"  - name: {_yaml(CREATORS)}",
        f"version: {_yaml(corpus.hash[:12])}",
        "identifiers:",
        "  - type: other",
        f"    value: {_yaml(f'sha256:{corpus.hash}')}",
        "    description: SHA-256 of notes.parquet",
        "keywords:",
        *(f"  - {word}" for word in ("music", "MIDI", "symbolic music", "piano")),
        "references:",
        "  - type: software",
        "    title: vgpiano",
        f"    version: {_yaml(_version(corpus))}",
        "    authors:",
        "      - name: The authors of vgpiano",
    ]
    for address in addresses(corpus):
        host = host_of(address)
        lines += [
            "  - type: website",
            f"    title: {_yaml(host)}",
            f"    url: {_yaml(address)}",
            "    authors:",
            f"      - name: {_yaml(host)}",
        ]
    return "\n".join(lines) + "\n"


def addresses(corpus: Corpus) -> list[str]:
    """Return the scheme and host of each site that pieces come from, by name of the host."""
    found: dict[str, str] = {}
    for url in corpus.table()["url"].to_pylist():
        if host := host_of(url):
            parts = urlsplit(url)
            found.setdefault(host, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/")
    return [found[host] for host in sorted(found)]


def title_of(corpus: Corpus) -> str:
    """Return the name of a corpus and what it contains, on one line."""
    count = corpus.manifest.funnel.unique
    return f"{corpus.name}: {count} piece{'' if count == 1 else 's'} of piano music as notes"


def _version(corpus: Corpus) -> str:
    return str(corpus.manifest.versions.get("vgpiano", "unknown"))


def _yaml(value: Any) -> str:
    return json.dumps(value)  # JSON is YAML
