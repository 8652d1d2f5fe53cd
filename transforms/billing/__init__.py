"""Charges become bill lines, and lines become bills: the only place where money is rounded to cents."""
