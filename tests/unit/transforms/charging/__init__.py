"""Tests of `transforms.charging`, one module each."""
