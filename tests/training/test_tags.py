"""Tags of sound files, read by other programs' libraries."""

import io
import struct
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import ID3

from training.rendering.audio import RATE, encode_audio
from training.sound.ogg import crc32
from training.sound.tags import Tags

TAGS = Tags("Títle — 1", "vgpiano", "A Game", "composed by vgpiano, run r", "piano: Test, CC0", loop=(1000, 40_000))
SOUND = np.random.default_rng(2).normal(0, 0.05, (RATE, 2)).astype(np.float32)


def written(path: Path, tags: Tags) -> Path:
    path.write_bytes(encode_audio(SOUND, path.suffix[1:], RATE, tags))  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("form", ["mp3", "wav"])
def test_mutagen_reads_id3(tmp_path: Path, form: str) -> None:
    read = mutagen.File(written(tmp_path / f"a.{form}", TAGS)).tags
    assert isinstance(read, ID3)
    assert [str(read[name]) for name in ("TIT2", "TPE1", "TALB")] == [TAGS.title, TAGS.artist, TAGS.album]
    assert str(read.getall("COMM")[0]) == TAGS.comment
    assert str(read["TXXX:SOUNDFONT"]) == TAGS.sound


def test_mutagen_reads_comments_of_ogg_and_the_loop_comes_first(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ogg", TAGS)
    read = mutagen.File(path)
    assert read.tags[:2] == [("LOOPSTART", "1000"), ("LOOPLENGTH", "39000")]
    assert read["title"] == [TAGS.title]
    assert read["soundfont"] == [TAGS.sound]
    assert read.info.length == pytest.approx(1)


def test_the_same_sound_gives_the_same_ogg_and_long_comments_take_more_pages(tmp_path: Path) -> None:
    short, again = (encode_audio(SOUND, "ogg", RATE, TAGS) for _ in range(2))
    assert short == again
    from training.sound.ogg import with_comments

    long = with_comments(short, [("A", "x" * 200_000), ("B", "y")])
    path = tmp_path / "long.ogg"
    path.write_bytes(long)
    assert mutagen.File(path)["b"] == ["y"]
    decoded = [soundfile.read(io.BytesIO(data))[0] for data in (short, long)]
    assert np.array_equal(*decoded)
    assert len(decoded[0]) == RATE


def test_the_checksum_is_that_of_ogg() -> None:
    assert crc32(b"123456789") == 0x89A1897F  # CRC-32 with polynomial 0x04c11db7, not reflected, initially 0


def test_a_wav_has_its_loop_in_smpl(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", TAGS)
    data = path.read_bytes()
    chunks, at = {}, 12
    while at < len(data):  # a reader of its own, after the published layout
        name, size = struct.unpack_from("<4sI", data, at)
        chunks[name] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(data) == struct.unpack_from("<I", data, 4)[0] + 8
    assert struct.unpack("<9I", chunks[b"smpl"][:36])[7] == 1
    _, kind, start, last, fraction, count = struct.unpack("<6I", chunks[b"smpl"][36:])
    assert (kind, start, last, fraction, count) == (0, 1000, 39_999, 0, 0)
    assert b"INAM" in chunks[b"LIST"]
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.album) == (TAGS.title, TAGS.album)
        assert file.frames == RATE


def test_text_of_a_tag_is_one_short_line(tmp_path: Path) -> None:
    read = mutagen.File(written(tmp_path / "a.ogg", Tags(title="a\nb\x1b\u202e" + "x" * 5000)))
    assert read["title"][0].startswith("a")
    assert len(read["title"][0]) == 300
    assert not set(read["title"][0]) & set("\n\x1b\u202e")
    assert list(read.keys()) == ["title"]
