"""The catalog: store, query language, game names, command line."""
