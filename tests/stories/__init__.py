"""Stories: a folder each, with a tiny home, the arithmetic in words, and the tables that must come out."""
