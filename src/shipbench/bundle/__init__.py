"""The evidence of an attempt on disk: layout, schemas, digests. Every later room reads this; none edits it."""
