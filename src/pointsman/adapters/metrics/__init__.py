"""What does Prometheus see?

Everything is read at scrape time from counters that the engine keeps anyway; serving a request
never touches these files. `docs/reference/metrics.md` explains each name.
"""

from pointsman.adapters.metrics.exposition import Metrics
from pointsman.adapters.metrics.served import LedgerCounters, Scraped

__all__ = ["LedgerCounters", "Metrics", "Scraped"]
