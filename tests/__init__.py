"""Tests of the four packages, in folders of the same names, and end to end."""
