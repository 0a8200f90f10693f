"""What is known of every piece: the Parquet schema, the store, the query language, game names, the error tree."""
