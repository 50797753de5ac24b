"""What do traces and metrics of OpenTelemetry show, for those who collect them?

An extra, `pip install 'pointsman[otel]'`, and off until an endpoint is configured. Requests only
append to a queue; everything else happens in a thread, which also imports what is needed.
"""

from pointsman.adapters.telemetry.telling import Endpoint, Telemetry, Told, is_installed

__all__ = ["Endpoint", "Telemetry", "Told", "is_installed"]
