"""Tests of `transforms.billing`, one module each."""
