"""Raw usage files: found, unpacked, hashed, counted and read in batches. Never changed."""
