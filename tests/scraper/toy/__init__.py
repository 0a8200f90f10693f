"""A site that lists its files as lines of text. It stands for the next real one: `source.py` is all that one needs."""
