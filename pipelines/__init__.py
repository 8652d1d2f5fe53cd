"""The shell around the transforms: files, the database, Dagster, clocks and people."""
