"""The tables of callbill, one class each. Nothing else says what a column is."""
