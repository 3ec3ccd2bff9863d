"""What a run folder says, computed again from the folder alone, and by other ways than those that wrote it.

File names and formats are all that this room shares with the writers: it imports none of their arithmetic.
"""
