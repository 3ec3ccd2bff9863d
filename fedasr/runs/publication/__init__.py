"""What of a run may be published, and what is promised by all that is published together."""
