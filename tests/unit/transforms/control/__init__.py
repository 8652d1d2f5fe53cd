"""Tests of `transforms.control`, one module each."""
