"""Tests of `transforms.rating`, one module each."""
