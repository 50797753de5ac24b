"""What is known about a model before its first call?"""

from pointsman.adapters.catalogue.facts import Facts, describe

__all__ = ["Facts", "describe"]
