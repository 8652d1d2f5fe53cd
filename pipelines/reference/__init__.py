"""Reference files and price tables: read strictly, held against each other, and looked over for slips."""
