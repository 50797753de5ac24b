"""How does a fleet of models behave that exists only here?"""
