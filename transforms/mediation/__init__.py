"""Raw records become usage records, or refused records with a reason; nothing is dropped on the way."""
