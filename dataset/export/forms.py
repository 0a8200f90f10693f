"""The names of the export formats, which are the names of their modules too.

Importing this module is fast.
"""

from typing import Literal, get_args

Form = Literal["hf", "jsonl", "midi", "miditok", "musicxml"]
FORMS: tuple[Form, ...] = get_args(Form)
