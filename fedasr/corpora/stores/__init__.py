"""Where the utterances of some speech lie, by row: in memory, mapped from disk, or in several places."""
