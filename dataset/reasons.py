"""Descriptions of the reasons and relations of a corpus. Filters carry their own."""

from collections.abc import Mapping
from typing import Any

QUERY = "query"
"""The stage and reason of pieces that the query does not match; the funnel does not count them."""

REASONS: Mapping[str, str] = {
    QUERY: "A piece of a game of the corpus that the query does not match; the detail is the condition that does not hold.",
    "missing": "The source lists the piece, but its file could not be downloaded.",
    "quarantined": "The downloaded bytes failed a check and were quarantined.",
    "not_fetched": "The catalog lists the piece, but its file has not been downloaded.",
    "blob_missing": "The catalog lists the file as stored, but it cannot be read.",
    "blob_damaged": "The stored bytes differ from those that were downloaded.",
    "not_midi": "The file is not a Standard MIDI File.",
    "broken_midi": "The file starts like a MIDI file but cannot be parsed.",
    "midi_format_2": "The tracks of the file are independent sequences, not one piece.",
    "smpte_time": "Time is measured in SMPTE frames, so there are no beats.",
    "time_out_of_range": "A note lies beyond the longest supported length of a piece.",
    "no_notes": "The file contains no notes.",
    "only_drums": "The file contains only drums.",
    "no_piano": "Only piano tracks were requested, and the file has none with notes.",
    "parser_crashed": "The parser crashed repeatedly on this file.",
    "parser_timed_out": "The parser did not finish this file in time.",
    "parser_failed": "The parser raised an error on this file.",
    "by_hand": "Somebody left the piece out, with `catalog edit --exclude`; the detail says why.",
    "duplicate_bytes": "Another piece that was kept is the same file.",
    "duplicate_notes": "Another piece that was kept has the same notes, in another file.",
    "duplicate_near": "Another piece that was kept has nearly the same notes: transposed, at another tempo, trimmed or edited.",
    "duplicate_contained": "A longer piece that was kept contains all of this one.",
    "duplicate_work": "A better version of the same work was kept.",
    "spans_splits": "The piece is related to pieces of different splits.",
}
RELATIONS: Mapping[str, str] = {
    "bytes": "the same file",
    "notes": "the same notes in another file",
    "near": "nearly the same notes: transposed, at another tempo, trimmed or edited",
    "contained": "the first piece contains all or nearly all of the second, as a medley does",
    "work": "the same music in other notes: both are kept, in the same split",
}


def describe_reason(reason: str, filters: Mapping[str, Any]) -> str:
    """Return a sentence that describes a reason.

    It is the `why` of the filter of that name in the manifest's `filters`, or an entry of REASONS.
    """
    return why_of(filters.get(reason)) or REASONS.get(reason, "Left out by the filter of the same name.")


def why_of(settings: object) -> str | None:
    """Return the `why` of a filter's settings in a manifest, or None."""
    return str(settings["why"]) if isinstance(settings, Mapping) and "why" in settings else None


def format_settings(value: object) -> str:
    """Return the thresholds of a filter in a manifest as one line."""
    if not isinstance(value, Mapping):
        return str(value)
    words = {True: "on", False: "off"}  # for the key `on`
    return ", ".join(
        words[bool(each)] if key == "on" else f"{key.replace('_', ' ')} {_listed(each)}"
        for key, each in value.items()
        if key not in ("why", "name")
    )


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
