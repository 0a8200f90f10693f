"""Tests mirror the four packages, plus one end-to-end road."""
