"""Nothing lost, nothing twice, the totals agree."""
