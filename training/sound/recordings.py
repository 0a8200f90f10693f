"""The recordings of a soundfont, decoded when they are needed.

In: the chunk `smpl` of an SF2 file (16 bits) or of an SF3 file (Ogg Vorbis). Out: float32 samples. Only as much of a
Vorbis recording is decoded as is played; what was decoded is kept.
"""

import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import TrainingError

Samples = NDArray[np.float32]
MAX_FRAMES = 1 << 23  # of one recording: 3 minutes at 44.1 kHz
LEAST_DECODED = 1 << 17  # frames; less is not worth a second decoding


@dataclass(slots=True)
class Recording:
    """One recording; `data` is 16-bit samples, or a Vorbis stream if `is_vorbis`.

    `name` is the font's, for errors. `loop` is its first frame and the frame after its last.
    """

    name: str
    data: memoryview
    rate: int
    key: int  # at which it plays at its original pitch
    cents: int  # by which it must be raised to be in tune
    loop: tuple[int, int]
    is_vorbis: bool = False
    _decoded: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    _is_whole: bool = False

    def frames(self, count: int) -> Samples:
        """Return the first `count` frames, or all if there are fewer: float32[n] within -1 to 1.

        Raises TrainingError, naming the font, if the recording is damaged or too long.
        """
        if not self._is_whole and len(self._decoded) < count:
            self._decode(max(count, LEAST_DECODED))
        return self._decoded[:count]

    def _decode(self, count: int) -> None:
        if not self.is_vorbis:
            if len(self.data) // 2 > MAX_FRAMES:
                raise TrainingError(f"{self.name}: a recording is too long; use another soundfont")
            self._decoded = (np.frombuffer(self.data, "<i2") / np.float32(32768)).astype(np.float32)
            self._is_whole = True
            return
        import soundfile

        try:
            with soundfile.SoundFile(io.BytesIO(self.data)) as file:
                if file.channels != 1 or not 0 < file.frames <= MAX_FRAMES:
                    raise TrainingError(f"{self.name}: a recording is too long, or not mono; use another soundfont")
                self._decoded = file.read(min(count, file.frames), dtype="float32")
                self._is_whole = len(self._decoded) == file.frames
        except (soundfile.LibsndfileError, RuntimeError) as error:
            reason = str(error).rpartition(": ")[2].rstrip(".")  # what comes before names the stream
            raise TrainingError(
                f"{self.name}: a recording is damaged ({reason}); install the soundfont again"
            ) from None
        if len(self._decoded) == 0:
            raise TrainingError(f"{self.name}: a recording is empty; install the soundfont again")
