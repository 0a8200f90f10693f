"""Tests of the room that turns pieces into corpora."""
