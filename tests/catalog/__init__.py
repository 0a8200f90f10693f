"""Tests of the catalog: store, query language, game names, command line."""
