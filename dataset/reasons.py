"""What the reasons and relations of a corpus mean, in words for people. A filter says for itself why it is there."""

from collections.abc import Mapping
from typing import Any

REASONS: Mapping[str, str] = {
    "missing": "The source lists the piece, but the file was not to be had.",
    "quarantined": "The bytes that came failed a check and were set aside.",
    "not_fetched": "The catalog knows of the piece but holds no bytes of it.",
    "blob_missing": "The catalog says it holds the file, but the file cannot be read.",
    "blob_damaged": "The stored bytes are no longer those that were fetched.",
    "not_midi": "The file is no Standard MIDI File.",
    "broken_midi": "The file begins like MIDI but cannot be read as such.",
    "midi_format_2": "The tracks of the file are sequences of their own, not one piece.",
    "smpte_time": "Time is counted in film frames, so there are no beats.",
    "time_out_of_range": "A note lies farther out than a piece of music can be long.",
    "no_notes": "The file holds no notes.",
    "only_drums": "The file holds drums and nothing else.",
    "no_piano": "Only piano tracks were asked for, and no note of the file is played by a piano.",
    "parser_crashed": "The parser broke down over this file, more than once.",
    "parser_timed_out": "The parser found no end of this file.",
    "parser_failed": "The parser raised an error over this file.",
    "duplicate_bytes": "Another piece kept is the very same file.",
    "duplicate_notes": "Another piece kept has the same notes, in another file.",
    "duplicate_near": "Another piece kept has nearly the same notes: transposed, at another tempo, trimmed or retouched.",
    "duplicate_contained": "A longer piece that is kept holds all of this one.",
    "spans_splits": "It belongs with pieces of different splits, and would have made them one.",
}
RELATIONS: Mapping[str, str] = {
    "bytes": "the very same file",
    "notes": "the same notes in another file",
    "near": "nearly the same notes: transposed, at another tempo, trimmed or retouched",
    "contained": "the first piece holds the second, all or nearly, as a medley does",
    "work": "the same music in other notes: both stay, on one side of the split",
}


def describe_reason(reason: str, filters: Mapping[str, Any]) -> str:
    """Return a sentence for a reason: the `why` of the filter of that name in the manifest's `filters`, or one from here."""
    return why_of(filters.get(reason)) or REASONS.get(reason, "Left out by the filter of this name.")


def why_of(settings: object) -> str | None:
    """Return why a filter is there, which its settings in the manifest say; None where they do not."""
    return str(settings["why"]) if isinstance(settings, Mapping) and "why" in settings else None


def format_settings(value: object) -> str:
    """Return the thresholds of a filter, as the manifest has them, in one line."""
    if not isinstance(value, Mapping):
        return str(value)
    words = {True: "on", False: "off"}  # what the key `on` says
    return ", ".join(
        words[bool(each)] if key == "on" else f"{key.replace('_', ' ')} {each}"
        for key, each in value.items()
        if key not in ("why", "name")
    )
