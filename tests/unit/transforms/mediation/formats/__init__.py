"""Tests of `transforms.mediation.formats`, one module each."""
