"""Formats that only tests know."""
