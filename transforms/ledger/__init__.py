"""Credits and bills become balances and receipts."""
