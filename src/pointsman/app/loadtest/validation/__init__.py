"""Does all of it work together, as one command can show?"""
