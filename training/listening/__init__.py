"""Listening: a blind test of people's pieces beside composed ones, and the count of its votes.

`excerpts` cuts pieces to sound of one length and loudness, `page` writes the page to send, `votes` has the key and the count.
"""

__all__ = ["excerpts", "page", "votes"]
