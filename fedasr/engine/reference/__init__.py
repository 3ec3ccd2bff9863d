"""The reference of the experiment file, written from the dataclasses that read it: a page and a JSON schema."""
