"""Which figures stand behind the records in docs/decisions, and how are they measured again?"""
