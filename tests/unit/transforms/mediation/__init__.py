"""Unit tests of mediation."""
