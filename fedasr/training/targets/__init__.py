"""The store of a teacher's top outputs: shards on disk, checked as they are read; and the targets made of them."""
