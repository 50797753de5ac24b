"""Through which channels are people and systems told of alerts?

One file per channel. What is sent is built by pure functions; `posting.py` and `mail.py` alone
touch the network.
"""
