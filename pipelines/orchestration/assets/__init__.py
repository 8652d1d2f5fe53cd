"""What Dagster shows: one file a stage of the house, bodies of a line or two. The work is in `pipelines.stages`."""
