"""The stages of a month end: each reads the warehouse, calls a transform, and writes what came out in one transaction.

A stage takes a `Session` (and a month) and returns the facts that Dagster and the manifest show.
"""

Facts = dict[str, int | str]
