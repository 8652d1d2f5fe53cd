"""What is charged without usage. One module a kind of charge."""
