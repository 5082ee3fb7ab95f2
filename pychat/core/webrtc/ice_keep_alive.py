"""Keeps the ICE agent of a side that has replied from giving up before the other person pastes the reply.

Firefox fails for good when every pair of addresses has failed and five seconds have passed since its answer. So it is
given the inviter's candidates again, under another foundation: it takes them for new ones and checks them again, which
also keeps this side's NAT open towards the inviter. Where all of them are mDNS names, which may not resolve, an
address that never answers keeps one check under way.
"""

from dataclasses import dataclass

from pychat.core.webrtc.sdp import Candidate, CandidateKind, Description, candidate_attribute, mdns_uuid

FIRST, INTERVAL = 1.0, 8.0
"""Seconds: the first is well before Firefox's five, the next well before a pair fails (eleven)."""

_NOWHERE = Candidate(CandidateKind.HOST, "198.51.100.1", 9)  # RFC 5737: for documentation only, answers nothing
_FIRST_PLACE, _PLACES = 100, 60_000  # places among the candidates, behind those that a code can hold


@dataclass(slots=True)
class IceKeepAlive:
    """The candidates that are given again over one link; `due` is when the next ones are."""

    inviter: Description
    due: float
    count: int = 0

    def attributes(self, now: float) -> list[str]:
        """The candidates to add now."""
        self.due = now + INTERVAL
        candidates = list(self.inviter.candidates)
        if all(mdns_uuid(candidate.address) for candidate in candidates):
            candidates.append(_NOWHERE)
        attributes = []
        for candidate in candidates:
            self.count += 1
            attributes.append(candidate_attribute(candidate, _FIRST_PLACE + self.count % _PLACES))
        return attributes
