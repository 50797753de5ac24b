"""Does a database keep what pointsman relies on? Run by `pointsman db verify`, on a scratch schema.

The checks say in the words of people what is promised; the tests of pointsman itself are more, and
stand elsewhere. They change nothing but the scratch schema, which is removed at the end.
"""
