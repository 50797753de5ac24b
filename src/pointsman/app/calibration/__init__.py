"""How good are the answers of each model to prompts of which it is known what is good?"""
