"""A data-channel session description, taken apart and put together again.

Of an offer or answer that carries nothing but a data channel only a few things cannot be derived: the fingerprint of
the DTLS certificate (RFC 8122), the ICE user fragment and password (RFC 8839) and the candidates. `parse_description`
reads these out of what any WebRTC stack wrote; `to_sdp` writes a description that every WebRTC stack accepts. What
this side's own stack wrote is never changed and given back to it ("munging"): only the other side reads what is
rebuilt here.
"""

import ipaddress
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from pychat.core.errors import LocalError

MAX_MESSAGE_SIZE = 65_536
"""Bytes of one data-channel message that every peer must take: what a stack assumes that is told nothing (RFC 8841)."""

MAX_CANDIDATES = 8
"""Candidates of one side that are handed over, and looked at: what connects is among the first of each kind, and nobody
may have us send checks all over the place."""

_TYPE_PREFERENCE = {"host": 126, "srflx": 100, "relay": 0}  # RFC 8445, section 5.1.2.2

_NOBODYS = tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "255.255.255.255/32", "::/96", "::ffff:0:0/96")))


class DescriptionKind(Enum):
    """Who speaks: the offer comes from the person who invites, the answer from the one who replies."""

    OFFER = "offer"
    ANSWER = "answer"


class CandidateKind(Enum):
    """Where an address was learnt (RFC 8445, section 4); peer-reflexive ones are never signaled."""

    HOST = "host"
    SERVER_REFLEXIVE = "srflx"
    RELAYED = "relay"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One UDP transport address: an IPv4 or IPv6 address, or an mDNS name (`<uuid>.local`), and a port.

    `priority` is what this side's own stack gives it; it does not cross the wire.
    """

    kind: CandidateKind
    address: str
    port: int
    priority: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Description:
    """What cannot be derived of an offer or an answer.

    `fingerprint` is the 32 bytes of the certificate's SHA-256; `ufrag` and `pwd` consist of ICE characters.
    """

    kind: DescriptionKind
    fingerprint: bytes
    ufrag: str
    pwd: str
    candidates: tuple[Candidate, ...] = ()


def mdns_uuid(address: str) -> uuid.UUID | None:
    """Return the UUID of an mDNS candidate's name, or None for any other address.

    Browsers name hidden local addresses by a random UUID (draft-ietf-mmusic-mdns-ice-candidates, section 3.1.1).
    """
    name, dot, rest = address.lower().partition(".")
    if dot and rest == "local":
        try:
            found = uuid.UUID(name)
        except ValueError:
            return None
        return found if str(found) == name else None
    return None


def parse_candidate(line: str) -> Candidate | None:
    """Read one candidate attribute (RFC 8839, section 5.1), with or without its `a=`.

    Returns None for what is of no use to a peer: an end-of-candidates mark, a TCP candidate (browsers only ever dial
    with these, so that nobody listens), a component other than 1, a name that is not an mDNS UUID.
    """
    fields = line.strip().removeprefix("a=").removeprefix("candidate:").split()
    if len(fields) < 8 or fields[1] != "1" or fields[2].lower() != "udp" or fields[6] != "typ":
        return None
    address, port_text, kind_text = fields[4], fields[5], fields[7]
    try:
        priority, port, kind = int(fields[3]), int(port_text), CandidateKind(kind_text)
    except ValueError:
        return None
    if not 0 < port < 65_536:
        return None
    name = mdns_uuid(address)
    if name is not None:
        return Candidate(kind, f"{name}.local", port, priority)
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    candidate = Candidate(kind, str(ip), port, priority)
    return candidate if is_reachable(candidate) else None


def is_reachable(candidate: Candidate) -> bool:
    """Whether somebody else may be at this address: not so at the machine's own, at many, and in IPv4's other writings
    (RFC 8445, section 5.1.1.1)."""
    try:
        ip = ipaddress.ip_address(candidate.address)
    except ValueError:
        return mdns_uuid(candidate.address) is not None
    if ip.is_loopback or ip.is_unspecified or ip.is_multicast:
        return False
    return not any(ip in network for network in _NOBODYS if network.version == ip.version)


def choose_candidates(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Pick what is handed over: all, or with too many the ones that this side's stack prefers of each kind in turn."""
    if len(candidates) <= MAX_CANDIDATES:
        return tuple(candidates)
    chosen: list[Candidate] = []
    by_kind = [sorted((c for c in candidates if c.kind is kind), key=lambda c: -c.priority) for kind in CandidateKind]
    while len(chosen) < MAX_CANDIDATES:
        chosen += [of_kind.pop(0) for of_kind in by_kind if of_kind]
    return tuple(c for c in candidates if c in chosen[:MAX_CANDIDATES])


def as_looked_at(description: Description) -> Description:
    """What this side's stack is given of a peer's description: the first candidates at which somebody may be."""
    reachable = tuple(filter(is_reachable, description.candidates))
    return replace(description, candidates=reachable[:MAX_CANDIDATES])


def parse_description(kind: DescriptionKind, sdp: str) -> Description:
    """Take apart what this side's own WebRTC stack wrote.

    Raises:
        LocalError: the description is not one for a single data channel over DTLS with SHA-256 and ICE.
    """

    def one(pattern: str) -> str:
        found = re.findall(rf"(?m)^a={pattern}\s*$", sdp)
        if not found or any(other != found[0] for other in found):
            raise LocalError(f"the session description lacks one clear “{pattern.partition(':')[0]}”")
        return str(found[0])

    media = re.findall(r"(?m)^m=(\S+)", sdp)
    if media != ["application"] or one(r"mid:(\S+)") != "0":
        raise LocalError("the session description is not one for a single data channel")
    fingerprint = bytes.fromhex(
        one(r"fingerprint:(?i:sha-256) ((?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})").replace(":", "")
    )
    candidates: dict[Candidate, None] = {}  # a dict keeps the order and drops doubles
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            candidate = parse_candidate(line)
            if candidate is not None:
                candidates[candidate] = None
    return Description(kind, fingerprint, one(r"ice-ufrag:(\S+)"), one(r"ice-pwd:(\S+)"), tuple(candidates))


def candidate_attribute(candidate: Candidate, index: int) -> str:
    """Write a candidate as ICE reads it; `index` is its place among the peer's, the first preferred."""
    priority = (_TYPE_PREFERENCE[candidate.kind.value] << 24) + ((65_535 - index) << 8) + 255
    related = "" if candidate.kind is CandidateKind.HOST else " raddr 0.0.0.0 rport 0"
    kind, address, port = candidate.kind.value, candidate.address, candidate.port
    return f"candidate:{index} 1 udp {priority} {address} {port} typ {kind}{related}"


def to_sdp(description: Description, *, answerer_is_server: bool = False) -> str:
    """Write the session description (RFC 8866, RFC 8841) that the other side's WebRTC stack is given.

    Args:
        answerer_is_server: who answers was the one to offer when DTLS was set up, and keeps that side of it (RFC 8842,
            section 5.5).
    """
    answer = "passive" if answerer_is_server else "active"
    setup = "actpass" if description.kind is DescriptionKind.OFFER else answer  # RFC 8842, section 5.3
    fingerprint = description.fingerprint.hex(":").upper()
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        *(f"a={candidate_attribute(c, i)}" for i, c in enumerate(description.candidates)),
        f"a=ice-ufrag:{description.ufrag}",
        f"a=ice-pwd:{description.pwd}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {fingerprint}",
        f"a=setup:{setup}",
        "a=mid:0",
        "a=sctp-port:5000",
        f"a=max-message-size:{MAX_MESSAGE_SIZE}",
    ]
    return "\r\n".join(lines) + "\r\n"
