"""The revisions, in order: each file says what it adds, and how to take that away again."""
