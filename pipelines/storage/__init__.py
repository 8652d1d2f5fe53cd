"""The warehouse and every file that callbill keeps: opened, locked, written whole, read back."""
