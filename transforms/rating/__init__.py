"""Finding the price and the charge of one leg of usage (billing rules 2, 3 and 6)."""
