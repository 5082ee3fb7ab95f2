"""What happens between two peers, told step by step for somebody who learns WebRTC from it."""

from dataclasses import dataclass

from pychat.core import effects, events, wire
from pychat.core.link import LinkPhase
from pychat.core.webrtc.sdp import mdns_uuid, parse_candidate


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One step: in which phase, what happens, why, and what was really exchanged ("" for nothing)."""

    phase: LinkPhase
    title: str
    why: str
    raw: str = ""


PHASES: dict[LinkPhase, str] = {
    LinkPhase.SIGNALING: (
        "Before two browsers can talk, each must learn how the other can be reached and which key it will use. "
        "WebRTC leaves open how that gets across; here it is a short code each way."
    ),
    LinkPhase.CONNECTING: (
        "ICE pairs every address of one side with every address of the other and sends a small STUN request over "
        "each pair, until one is answered."
    ),
    LinkPhase.SECURING: (
        "Over the path found, DTLS agrees on fresh keys. Each side checks the other's certificate against the "
        "fingerprint that came in the code. Then both prove who they are, with a signature that is good for this very "
        "connection and for no other."
    ),
    LinkPhase.OPEN: (
        "Each side says what it is called and what it has read. From then on every message is numbered, sent and "
        "acknowledged."
    ),
}


def handed_over(what: str, to: str, code: str) -> StoryStep:
    """What a person does with an invite or a reply."""
    title = f"hands its {what} to {to}: {len(code)} characters"
    why = "In real life a person sends this by any messenger. It holds no secret that would let others listen."
    return StoryStep(LinkPhase.SIGNALING, title, why, code)


def explain(item: events.Event | effects.Effect) -> StoryStep | None:
    """Tell what an event or an effect of a node means; None for what would not help a reader."""
    match item:
        case effects.CreateOffer():
            return StoryStep(
                LinkPhase.SIGNALING,
                "asks its browser for an offer",
                "createOffer() describes what this side wants, a data channel, and makes a key pair for it.",
            )
        case events.LocalDescriptionReady(_, sdp):
            return StoryStep(
                LinkPhase.SIGNALING,
                "has its session description",
                "Of this text only the fingerprint, ICE's name and password and the candidates cannot be guessed. "
                "setLocalDescription() starts the search for candidates.",
                sdp,
            )
        case events.CandidateFound(_, candidate):
            return _explain_candidate(candidate)
        case events.GatheringFinished():
            return StoryStep(
                LinkPhase.SIGNALING,
                "knows all its candidates",
                "The description and the candidates now fit into one code; nothing has to be sent piece by piece.",
            )
        case effects.AcceptOffer(_, sdp):
            return StoryStep(
                LinkPhase.SIGNALING,
                "takes the invite and rebuilds the offer from it",
                "setRemoteDescription() tells the browser whom to look for, createAnswer() makes the counterpart.",
                sdp,
            )
        case effects.AcceptAnswer(_, sdp):
            return StoryStep(
                LinkPhase.SIGNALING,
                "takes the reply and rebuilds the answer from it",
                "Now both sides know both descriptions: signaling is over, and the code is of no further use.",
                sdp,
            )
        case events.IceStateChanged(_, state):
            return _explain_ice(state)
        case events.ConnectionStateChanged(_, events.ConnectionState.CONNECTED):
            return StoryStep(
                LinkPhase.SECURING,
                "has agreed on keys",
                "DTLS is through. A certificate that does not match the fingerprint would have ended it here.",
            )
        case events.ChannelOpened():
            return StoryStep(
                LinkPhase.SECURING,
                "sees the data channel open",
                "SCTP runs inside DTLS and carries data channels. Both sides opened “chat” as number 0 beforehand "
                "(“negotiated”), so no further round trip is needed.",
            )
        case effects.Sign():
            return StoryStep(
                LinkPhase.SECURING,
                "signs what both have seen",
                "The invite, the fingerprints of both certificates, both keys and both random numbers. Somebody in "
                "between would have other certificates, and the signature would not fit there.",
            )
        case events.Verified(_, True):
            return StoryStep(
                LinkPhase.SECURING,
                "finds the signature genuine",
                "The other side holds the key that it claims, and its connection is this one. Whose key that is, two "
                "people find out by comparing seven signs once.",
            )
        case effects.SendFrame(_, data):
            return _explain_frame(data)
        case events.ChannelClosed():
            return StoryStep(LinkPhase.OPEN, "sees the data channel close", "The other side has ended the connection.")
    return None


def _explain_candidate(attribute: str) -> StoryStep | None:
    candidate = parse_candidate(attribute)
    if candidate is None:
        return None
    if mdns_uuid(candidate.address) is not None:
        why = "The address is hidden behind a random name ending in .local, which only this network can resolve (mDNS)."
    elif candidate.kind.value == "host":
        why = "An address of this machine, which works within the same network."
    elif candidate.kind.value == "srflx":
        why = "The address as a STUN server sees it from outside: the public side of the router (NAT)."
    else:
        why = "An address on a TURN server, which passes everything on when no straight path works."
    return StoryStep(LinkPhase.SIGNALING, f"found a candidate ({candidate.kind.value})", why, attribute)


def _explain_ice(state: events.IceState) -> StoryStep | None:
    match state:
        case events.IceState.CHECKING:
            return StoryStep(
                LinkPhase.CONNECTING,
                "tries the pairs of addresses",
                "Each check is a STUN request that only somebody who knows the password from the code can answer.",
            )
        case events.IceState.CONNECTED:
            return StoryStep(LinkPhase.CONNECTING, "found a pair that works", "A check was answered: there is a path.")
        case events.IceState.DISCONNECTED:
            return StoryStep(
                LinkPhase.CONNECTING, "lost the path", "Checks are no longer answered. ICE goes on trying."
            )
        case events.IceState.FAILED:
            return StoryStep(LinkPhase.CONNECTING, "found no path", "No pair of addresses was answered.")
    return None


def _explain_frame(data: str) -> StoryStep:
    phase = LinkPhase.SECURING
    match wire.decode(data):
        case wire.Hello(_, (_,)):
            title = "greets with a commitment"
            why = (
                "It is the hash of its key and of a random number, which it shows later: so neither side can choose "
                "its number to fit the other one's, and somebody in between has a single guess at the signs."
            )
        case wire.Hello():
            title, why = "greets with its key", "Its identity, as an Ed25519 key, and a random number of its own."
        case wire.Reveal():
            title, why = "shows its key and proves it", "What it had committed to, and its signature."
        case wire.Proof():
            title, why = "proves its key", "Its signature. Now each knows that the other one is who it says."
        case wire.Introduce():
            phase, title, why = (
                LinkPhase.OPEN,
                "shows its card",
                "The name it goes by. A name proves nothing, a key does.",
            )
        case wire.Have():
            phase, title = LinkPhase.OPEN, "says what it has received"
            why = "The first time it tells where to begin; later it is what makes a message count as delivered."
        case wire.Bye():
            phase, title, why = LinkPhase.OPEN, "says good-bye", "So that the other side need not wait to notice."
        case _:
            phase, title = LinkPhase.OPEN, "sends a message"
            why = "Messages are numbered by their author, so none is lost, doubled or out of order."
    return StoryStep(phase, title, why, data)
