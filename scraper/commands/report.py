"""Print the results of a crawl or an import: totals and warnings.

Totals are also printed when Ctrl-C interrupts a crawl.
"""

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from catalog.base.console import print_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scraper.crawl.sections import Outcome
    from scraper.crawl.totals import Survey, Totals
    from scraper.local.import_files import ImportTotals

REASONS_SHOWN = 40


def print_plan(plan: "Survey", delay: float, name: str = "") -> None:
    """Print what a run would do."""
    _warn_unread(plan.unread)
    print(f"{name}{plan.line} at {delay:g} s a request")


def print_outcomes(outcomes: "Iterable[Outcome]", listed: int, delay: float) -> None:
    """Print the outcome of each of `listed` sections, and a summary line.

    Raises typer.Exit with code 1 if a section failed or none succeeded.
    """
    from scraper.crawl.totals import ScrapeInterrupted

    empty = failed = done = 0
    try:
        for outcome in outcomes:
            done += outcome.problem is None
            empty += outcome.empty
            failed += outcome.problem is not None and not outcome.empty
            _print_outcome(outcome, delay)
    except ScrapeInterrupted as stop:
        print(f"{stop.section}:")
        print_totals(stop.totals)
        print(
            f"{listed} sections = {done} done + {empty} empty + {failed} failed + {listed - done - empty - failed} not done"
        )
        raise
    print(f"{listed} sections = {done} done + {empty} empty + {failed} failed")
    if failed or not done:
        raise typer.Exit(1)


def _print_outcome(outcome: "Outcome", delay: float) -> None:
    """Print the outcome of one section."""
    if outcome.totals is not None:
        print(f"{outcome.section.name}:", flush=True)
        print_totals(outcome.totals)  # exits if the run was stopped early
    elif outcome.plan is not None:
        print_plan(outcome.plan, delay, f"{outcome.section.name}: ")
    else:
        print_message(f"{outcome.section.name}: {outcome.problem}")


@contextmanager
def print_totals_on_interrupt() -> "Iterator[None]":
    """Print the totals if Ctrl-C interrupts the scrape in this block."""
    from scraper.crawl.totals import ScrapeInterrupted

    try:
        yield
    except ScrapeInterrupted as stop:
        print_totals(stop.totals)
        raise


def print_totals(totals: "Totals") -> None:
    """Print the totals of a crawl and the reasons for missing or rejected files.

    Raises typer.Exit with code 1 if the run was stopped early.
    """
    _warn_unread(totals.unread)
    for piece in totals.faults[:REASONS_SHOWN]:
        print_message(f"{piece.state}: {piece.url}: {piece.reason}")
    for row in totals.rejected[:REASONS_SHOWN]:
        print_message(f"unsafe: {row.game} / {row.title} / {row.href}: {row.reason}")
    more = max(0, len(totals.faults) - REASONS_SHOWN) + max(0, len(totals.rejected) - REASONS_SHOWN)
    if more:
        print_message(f"and {more} more")
    for count, what in ((totals.gone, "no longer listed: kept and marked"), (totals.back, "listed again")):
        if count:
            print(f"{count} pieces {what}")
    if totals.unchanged:
        print("the listing page is unchanged")
    print(totals.line)
    if totals.stopped is not None:
        print_message(f"stopped early: {totals.stopped}")
        raise typer.Exit(1)


def _warn_unread(unread: "Sequence[tuple[str, str]]") -> None:
    for url, reason in unread[:REASONS_SHOWN]:
        print_message(f"folder not read: {url}: {reason}")
    if len(unread) > REASONS_SHOWN:
        print_message(f"and {len(unread) - REASONS_SHOWN} more")


def print_imported(totals: "ImportTotals") -> None:
    """Print the totals of an import and the reasons for skipped files.

    Raises typer.Exit with code 1 if no MIDI file was found.
    """
    for address, reason in totals.faults[:REASONS_SHOWN]:
        print_message(f"skipped: {reason}: {address}")
    skipped = sum(totals.skipped.values())
    if skipped > REASONS_SHOWN:
        print_message(f"and {skipped - REASONS_SHOWN} more")
    print(totals.line)
    if totals.listed:
        print(f"{totals.listed} of {totals.new + totals.held} files have their titles from listing pages beside them")
    if not totals.new + totals.held:
        print_message("no MIDI file in the given paths")
        raise typer.Exit(1)
