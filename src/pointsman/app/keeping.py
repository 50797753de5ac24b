"""How is what happened kept: how safely, how much of it, and for how long?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pointsman.app.secrets import Secret
from pointsman.app.section import Section
from pointsman.core.preview import MOST_CHARS

MEGABYTE = 1_048_576
Days = Annotated[int, Field(ge=1, le=36_500)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class StoreEntry(Section):
    url: Secret | None = Field(
        None,
        description="A database to keep decisions in: PostgreSQL, as "
        "`postgresql://user:${PASSWORD}@host:5432/name?sslmode=verify-full`, or SAP HANA, as "
        "`hana://user:${PASSWORD}@host:39017/?databaseName=NAME`; a spool in `server.data_dir` "
        "stands before it. Needs the extra `pointsman[postgres]` or `pointsman[hana]`, and "
        "`pointsman db upgrade` once. Left out: a file in `server.data_dir`.",
    )
    durability: Literal["relaxed", "strict"] = Field(
        "relaxed",
        description="`relaxed`: what happened is on the disk within 50 ms. `strict`: it is there "
        "before the last byte of an answer leaves, which then waits for the disk.",
    )
    max_bytes: Annotated[int, Field(ge=16 * MEGABYTE, le=2**50)] = Field(
        10 * 1024 * MEGABYTE,
        description="How large the file or spool may grow; beyond it the oldest decisions make "
        "room, and are counted. Beside it there may be some 20 MB of log.",
    )
    reserve_bytes: Annotated[int, Field(ge=0, le=2**40)] = Field(
        8 * MEGABYTE,
        description="Room kept back for the day the disk is full: to delete, and to note what "
        "people do, also takes some. 0: none.",
    )
    keep_minutes_days: Days = Field(7, description="For how many days figures per minute are kept.")
    keep_hours_days: Days = Field(90, description="For how many days figures per hour are kept.")
    keep_days_days: Days = Field(1_100, description="For how many days figures per day are kept.")
    keep_audit_days: Days = Field(400, description="For how many days it is kept who changed what.")
    keep_alerts_days: Days = Field(180, description="For how many days past alerts are kept.")
    prompt_preview_chars: Annotated[int, Field(ge=0, le=MOST_CHARS)] = Field(
        0,
        description="How many characters of what a request asks are kept with its decision, for "
        "those who may look at decisions. 0: none, since prompts are private.",
    )
    redact: Annotated[list[Expression], Field(max_length=50)] = Field(
        default_factory=list,
        description="Regular expressions of Python; what they match in a preview is masked before "
        "it is kept, like all that looks like a key. White space of any length is one space there.",
    )


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What `StoreEntry` says, for those who keep things."""

    durability: Literal["relaxed", "strict"] = "relaxed"
    max_bytes: int = 10 * 1024 * MEGABYTE
    reserve_bytes: int = 8 * MEGABYTE
    keep_minutes_days: int = 7
    keep_hours_days: int = 90
    keep_days_days: int = 1_100
    keep_audit_days: int = 400
    keep_alerts_days: int = 180
    prompt_preview_chars: int = 0
    redact: Sequence[str] = ()
    url: Secret | None = None

    @property
    def strict(self) -> bool:
        return self.durability == "strict"


def store_settings(entry: StoreEntry) -> StoreSettings:
    said = entry.model_dump()
    return StoreSettings(**{**said, "redact": tuple(entry.redact)})
