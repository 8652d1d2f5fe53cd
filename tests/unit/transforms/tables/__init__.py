"""Tests of `transforms.tables`, one module each."""
