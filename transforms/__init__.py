"""What is true of telephone bills: pure functions from frames to frames, and nothing of the world around them."""
