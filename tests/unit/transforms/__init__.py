"""Unit tests of the transforms."""
