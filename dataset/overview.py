"""An overview of a corpus as lines of text: funnel, reasons, note-ons.

In: an opened corpus. Out: the lines that `dataset build` and `dataset show` print.
"""

from dataclasses import asdict

from catalog.base import console
from dataset.corpus.corpus import Corpus
from dataset.note_account import account_of
from dataset.reasons import QUERY


def overview(corpus: Corpus) -> list[str]:
    """Return the overview of a corpus, one string per line, safe to print."""
    manifest = corpus.manifest
    funnel = asdict(manifest.funnel)
    lines = [f"corpus {console.one_line(manifest.name)}, seed {manifest.seed}, query {console.clean(manifest.query)}"]
    lines += [f"  {stage:<12} {funnel[stage]:>7}" for stage in ("listed", "fetched", "parsed", "kept", "unique")]
    lines += [f"    {split:<12} {funnel[split]:>5}" for split in ("train", "validation", "test")]
    reasons = {reason: count for reason, count in manifest.reasons.items() if reason != QUERY}
    if reasons:
        lines.append(f"  left out     {sum(reasons.values()):>7}")
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"    {console.one_line(reason):<24} {count:>5}")
    if QUERY in manifest.reasons:
        lines.append(f"  not listed   {manifest.reasons[QUERY]:>7}  of the same games, left out by the query")
    return [*lines, *_account(corpus), f"  {console.one_line(corpus.path)}"]


def _account(corpus: Corpus) -> list[str]:
    """Return the lines on note-ons, read = kept + dropped, and on cut files."""
    account = account_of(corpus.measures())
    if account is None:
        return []
    rows = [("kept", account.kept)]
    rows += [(f"dropped: {reason}", count) for reason, count in account.dropped.items()]
    rows += [("without a note-off", account.unended)]
    return [
        f"  note-ons     {account.read:>7}",
        *(f"    {label:<28} {count:>7}" for label, count in rows),
        f"  cut short    {account.cut_short:>7}",
    ]
