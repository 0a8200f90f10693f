"""Bringing pieces in: listing pages, polite HTTP, checks, the demo site."""
