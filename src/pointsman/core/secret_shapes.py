"""What looks like a secret, so that nobody shows it who does not know that it is one?"""

from __future__ import annotations

import re

KEY_PREFIX = "pm-"
"""How the keys begin that this gateway makes for its callers."""

SECRET_SHAPE = re.compile(
    r"(?P<start>\bsk[-_]|\b(?i:bearer|basic)\s+|\b(?i:api[-_]?key)[\"']?\s*[:=]\s*[\"']?)"
    r"[\w*.~+/=-]{6,}"
    r"|(?P<house>\b(?:gsk_|xai-|fw_|pplx-|hf_|AIza|pm-))[\w*-]{16,}",
    re.ASCII,
)
"""A key as the houses make them, or whatever stands where a key belongs. `start` and `house` tell
what it is and are no secret. A short word behind the mark of a house is a name (`pm-assistant`)."""

SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)
"""Found in the name of a header whose value is a secret."""
