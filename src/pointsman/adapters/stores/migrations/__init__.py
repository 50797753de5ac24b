"""How does a database get from one revision of the schema to another?

One numbered revision per file in `versions`; one that has been released is never edited, only
followed by another. They are Alembic's, run by `running.py`. A file that this program made before
there was Alembic has the number of its revision in `PRAGMA user_version`.
"""
