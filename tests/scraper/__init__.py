"""Tests of the scraper: HTTP, listing pages, file checks, imports, demo site."""
