"""Tests of `transforms.ledger`, one module each."""
