"""What the relay counts, for Prometheus. No rooms, no members."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """The metrics of one relay."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connections = Gauge("pychat_relay_connections", "Connections to this process.", registry=registry)
        self.rooms = Gauge("pychat_relay_rooms", "Rooms with members of this process.", registry=registry)
        self.joins = Counter("pychat_relay_joins", "Members that have come into a room.", registry=registry)
        self.received = Counter(
            "pychat_relay_messages_received", "Messages that members of this process have sent.", registry=registry
        )
        self.relayed = Counter(
            "pychat_relay_messages_relayed", "Messages passed to members of this process.", registry=registry
        )
        self.characters = Counter("pychat_relay_characters_relayed", "Length of the data in them.", registry=registry)
        self.refusals = Counter(
            "pychat_relay_refusals", "Connections refused or ended by the relay.", ["reason"], registry=registry
        )
        self.slow = Counter("pychat_relay_slow_readers_dropped", "Readers that were too slow.", registry=registry)
        self.backplane = Gauge("pychat_relay_backplane_up", "Whether others can be reached.", registry=registry)
        self.losses = Counter("pychat_relay_backplane_losses", "How often others were lost.", registry=registry)
