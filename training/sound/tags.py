"""Tags of sound files: title, artist, album and comments, and where a loop begins and ends.

In: an encoded file and `Tags`. Out: the file with ID3v2.3 (MP3), Vorbis comments (Ogg), or the RIFF chunks `LIST INFO`,
`id3 ` and `smpl` (WAV). Loops are in frames. Game engines read LOOPSTART and LOOPLENGTH of Vorbis comments, and `smpl`.
"""

import struct
from dataclasses import dataclass, replace

from catalog.base.console import clean
from training.sound.ogg import with_comments

MAX_TEXT = 300  # characters of a tag
FIELDS = (  # field of Tags, ID3 frame, Vorbis comment, RIFF chunk
    ("title", "TIT2", "TITLE", b"INAM"),
    ("artist", "TPE1", "ARTIST", b"IART"),
    ("album", "TALB", "ALBUM", b"IPRD"),
    ("comment", "COMM", "COMMENT", b"ICMT"),
    ("sound", "TXXX", "SOUNDFONT", b"ISRC"),
)
MIDDLE_C = 60


@dataclass(frozen=True, slots=True)
class Tags:
    """What a sound file says of itself; `sound` is the origin and licence of its piano.

    `loop` is the first frame of the loop and the frame after its last.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    comment: str = ""
    sound: str = ""
    loop: tuple[int, int] | None = None

    def texts(self) -> list[tuple[str, str, bytes, str]]:
        """Return (ID3 frame, Vorbis comment, RIFF chunk, text) of the fields that are not empty, on one line each."""
        rows = [(*names, clean(getattr(self, field)).strip()[:MAX_TEXT]) for field, *names in FIELDS]
        return [row for row in rows if row[3]]  # type: ignore[misc]


def tag_mp3(file: bytes, tags: Tags) -> bytes:
    """Return an MP3 file with an ID3v2.3 tag in front."""
    return id3(tags) + file


def tag_ogg(file: bytes, tags: Tags) -> bytes:
    """Return an Ogg Vorbis file with comments; those of a loop come first.

    Some engines search only the beginning of the comments, and take the file's end as the loop's.
    """
    comments = [(comment, text) for _, comment, _, text in tags.texts()]
    if tags.loop is not None:
        start, end = tags.loop
        comments = [("LOOPSTART", str(start)), ("LOOPLENGTH", str(end - start)), *comments]
    return with_comments(file, comments)


def tag_wav(file: bytes, tags: Tags, rate: int) -> bytes:
    """Return a WAV file with the chunks `smpl`, if there is a loop, `LIST INFO` and `id3 ` at its end."""
    info = b"".join(_chunk(name, text.encode() + b"\0") for _, _, name, text in tags.texts())
    chunks = b"" if tags.loop is None else _chunk(b"smpl", _sampler(tags.loop, rate))
    if info:
        chunks += _chunk(b"LIST", b"INFO" + info) + _chunk(b"id3 ", id3(tags))
    body = file[8:] + b"\0" * (len(file) % 2) + chunks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def id3(tags: Tags) -> bytes:
    """Return an ID3v2.3 tag; empty if there is nothing to say."""
    frames = b""
    for name, label, _, text in tags.texts():
        before = b""
        if name == "COMM":
            before = b"eng" + _utf16("") + b"\0\0"
        elif name == "TXXX":
            before = _utf16(label) + b"\0\0"
        content = b"\x01" + before + _utf16(text)
        frames += name.encode() + struct.pack(">IH", len(content), 0) + content
    size = len(frames)
    sizes = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + sizes + frames if frames else b""


def with_loop(tags: Tags, start: int, end: int) -> Tags:
    """Return the tags with a loop from frame `start` to before frame `end`."""
    return replace(tags, loop=(start, end))


def _utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _sampler(loop: tuple[int, int], rate: int) -> bytes:
    """Return the body of the chunk `smpl`: one loop, forward and without end; its last frame is part of it."""
    head = struct.pack("<9I", 0, 0, round(1e9 / rate), MIDDLE_C, 0, 0, 0, 1, 0)
    return head + struct.pack("<6I", 0, 0, loop[0], loop[1] - 1, 0, 0)
