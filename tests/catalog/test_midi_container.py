"""What counts as MIDI: a bare file, in RIFF or MacBinary, or after other bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.midi.container import JUNK_BYTES, may_be_midi, midi_bytes

MIDI = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 96) + struct.pack(">4sI", b"MTrk", 4) + b"\0\xff\x2f\0"


def chunk(kind: bytes, body: bytes, pad: bytes = b"\0") -> bytes:
    return kind + struct.pack("<I", len(body)) + body + pad * (len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"RMID" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def macbinary(fork: bytes, name: bytes = b"song") -> bytes:
    head = struct.pack(">BB63s4s4s", 0, len(name), name, b"Midi", b"TEST").ljust(83, b"\0") + struct.pack(
        ">II", len(fork), 5
    )
    return head.ljust(128, b"\0") + fork.ljust(-(-len(fork) // 128) * 128, b"\0") + b"icon!"


INFO = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"A title that is long" * 30))
ODD = MIDI + b"\0"


@pytest.mark.parametrize(
    "data, midi",
    [
        (riff(chunk(b"data", MIDI)), MIDI),
        (riff(INFO, chunk(b"data", MIDI)), MIDI),
        (riff(chunk(b"data", MIDI), INFO), MIDI),
        (riff(chunk(b"DISP", b"odd"), INFO, chunk(b"data", ODD), INFO), ODD),
        (riff(chunk(b"DISP", b"odd", pad=b""), chunk(b"data", MIDI)), MIDI),  # some writers leave out the byte
        (riff(chunk(b"LIST", b"all of MThd and data"), chunk(b"data", MIDI)), MIDI),
        (riff(chunk(b"LIST", b"MThd"), INFO, chunk(b"data", MIDI))[:-6], MIDI[:-6]),  # cut off
        (riff(b"data" + bytes(4) + MIDI), MIDI),  # a length of 0
        (macbinary(MIDI), MIDI),
        (macbinary(MIDI, b"MThd of mine"), MIDI),
        (macbinary(riff(INFO, chunk(b"data", MIDI))), MIDI),
        (b"\r\n" + MIDI, MIDI),
        (b"MTh\0MThd??????????" + MIDI, MIDI),
        (bytes(JUNK_BYTES - 4) + MIDI, MIDI),
        (
            MIDI[:4] + b"\0\0\0\x0a" + MIDI[8:14] + bytes(4) + MIDI[14:],
            MIDI[:4] + b"\0\0\0\x0a" + MIDI[8:14] + bytes(4) + MIDI[14:],
        ),
    ],
)
def test_the_file_in_a_wrapper(data: bytes, midi: bytes) -> None:
    assert midi_bytes(data) == midi
    assert may_be_midi(data[:JUNK_BYTES])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MThd",
        MIDI[:13],
        b"MThd is how a MIDI file begins",
        b"MThd\0\0\0\2" + MIDI[8:],
        b"RIFF....",
        riff(INFO),
        b"RIFF\x10\0\0\0WAVEdata" + bytes(400) + MIDI,
        bytes(JUNK_BYTES - 3) + MIDI,
        b"<html><p>A MIDI file begins with MThd and six bytes</p></html>",
        b"PK\3\4" + bytes(40) + MIDI,
        macbinary(b"no music"),
    ],
)
def test_what_is_no_midi_file(data: bytes) -> None:
    assert midi_bytes(data) is None


def test_a_bare_file_is_not_copied_and_what_follows_it_stays() -> None:
    data = MIDI + b"more"
    assert midi_bytes(data) is data


@given(
    st.lists(
        st.sampled_from([b"RIFF", b"RMID", b"data", b"LIST", b"MThd", MIDI, bytes(100), b"PK\3\4", b"\0\0\0\6"])
        | st.binary(max_size=9)
    )
)
def test_a_head_is_refused_only_where_the_file_is(parts: list[bytes]) -> None:
    data = b"".join(parts)
    midi = midi_bytes(data)
    assert midi is None or (midi.startswith(b"MThd") and midi in data and midi_bytes(midi) is midi)
    assert midi is None or may_be_midi(data[:JUNK_BYTES])
