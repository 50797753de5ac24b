"""What does the configuration say about alerts?"""

from __future__ import annotations

from pydantic import Field

from pointsman.app.section import Section
from pointsman.app.telling_whom import ChannelEntry, ChannelName, RouteEntry


class AlertsEntry(Section):
    channels: dict[ChannelName, ChannelEntry] = Field(
        default_factory=dict, description="Who can be told of alerts, by a name of your own."
    )
    routes: list[RouteEntry] = Field(
        default_factory=list,
        description="Which alerts go to which channels. Empty: all alerts to all channels.",
    )
