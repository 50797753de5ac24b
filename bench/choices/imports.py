"""What does each library add to start-up and to memory, beside those already imported?

python -m bench.choices.imports
"""

from __future__ import annotations

import statistics
import subprocess
import sys

SERVING = "uvicorn, uvloop, httptools, ssl, msgspec, yaml, prometheus_client, sqlite3, logging"
ASKED = ("litestar", "pydantic.main", "genai_prices", "pythonjsonlogger.json")
TOGETHER = "pydantic.main, genai_prices, pythonjsonlogger.json, litestar"

_PROBE = """
import time
began = time.perf_counter()
{statement}
took_ms = 1000 * (time.perf_counter() - began)
status = open("/proc/self/status").read().partition("VmRSS:")[2]
print(took_ms, int(status.split()[0]) / 1024)
"""


def cost(modules: str, runs: int = 9) -> tuple[float, float]:
    """Milliseconds and resident MB of an interpreter that imports `modules`: medians."""
    statement = f"import {modules}" if modules else "pass"
    command = [sys.executable, "-c", _PROBE.format(statement=statement)]
    printed = [subprocess.check_output(command, text=True).split() for _ in range(runs)]
    took_ms, rss_mb = zip(*((float(ms), float(mb)) for ms, mb in printed), strict=True)
    return statistics.median(took_ms), statistics.median(rss_mb)


def main() -> None:
    rows = {"nothing": "", "what serves": SERVING}
    rows |= {f"  + {name}": f"{SERVING}, {name}" for name in ASKED}
    rows["  + all of these"] = f"{SERVING}, {TOGETHER}"
    for name, modules in rows.items():
        took_ms, rss_mb = cost(modules)
        print(f"{name:28}{took_ms:8.0f} ms{rss_mb:8.1f} MB")


if __name__ == "__main__":
    main()
