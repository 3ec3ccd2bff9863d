"""The one check of a corpus: what a reader read is brought into one form, and what cannot be used is collected."""
