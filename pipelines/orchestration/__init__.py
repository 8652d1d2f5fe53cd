"""Dagster: assets, resources, schedules, its instance and its servers."""
