"""What a person or the month end asks for, one module a command. Each returns what it did."""
