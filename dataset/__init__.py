"""Turning pieces into corpora: notes, measures, filters, duplicates, splits, the corpus format."""
