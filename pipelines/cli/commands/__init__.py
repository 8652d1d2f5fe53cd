"""Commands by what they are about, and the options that they share. What they do is done elsewhere."""
