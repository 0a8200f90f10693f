"""Bringing pieces in: listing pages, polite HTTP, and the demo site."""
