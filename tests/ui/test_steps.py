import pytest

from pychat.core import effects, events, wire
from pychat.core.link import LinkPhase
from pychat.core.log import Entry
from pychat.core.webrtc.ice import IceConfig
from pychat.ui.steps import PHASES, explain
from tests.core import samples

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("attribute", "kind", "word"),
    [
        (samples.HOST, "host", "same network"),
        (samples.MDNS, "host", "mDNS"),
        (samples.SERVER_REFLEXIVE, "srflx", "STUN"),
        (samples.RELAYED, "relay", "TURN"),
    ],
)
def test_each_kind_of_candidate_is_explained_with_what_it_is_good_for(attribute: str, kind: str, word: str) -> None:
    step = explain(events.CandidateFound(1, attribute))
    assert step is not None
    assert kind in step.title
    assert word in step.why
    assert step.raw == attribute


@pytest.mark.parametrize(
    ("frame", "phase", "title"),
    [
        (wire.Hello((1,), (KEY,)), LinkPhase.SECURING, "greets with a commitment"),
        (wire.Hello((1,), (KEY, KEY)), LinkPhase.SECURING, "greets with its key"),
        (wire.Reveal(KEY, KEY, KEY + KEY), LinkPhase.SECURING, "shows its key and proves it"),
        (wire.Proof(KEY + KEY), LinkPhase.SECURING, "proves its key"),
        (wire.Introduce("peer-peer-peer-peer", "Bob"), LinkPhase.OPEN, "shows its card"),
        (wire.Entries("peer-peer-peer-peer", 1, [Entry(1, "hi")]), LinkPhase.OPEN, "sends a message"),
        (wire.Have({}), LinkPhase.OPEN, "says what it has received"),
        (wire.Bye(), LinkPhase.OPEN, "says good-bye"),
    ],
)
def test_each_frame_is_explained(frame: wire.OwnFrame, phase: LinkPhase, title: str) -> None:
    data = wire.encode(frame)
    step = explain(effects.SendFrame(1, data))
    assert step is not None
    assert (step.phase, step.title, step.raw) == (phase, title, data)


def test_what_is_done_with_keys_is_explained() -> None:
    for item in (events.ChannelOpened(1), effects.Sign(1, b"data"), events.Verified(1, True)):
        step = explain(item)
        assert step is not None
        assert step.phase is LinkPhase.SECURING
    assert explain(events.Verified(1, False)) is None


def test_what_helps_nobody_is_left_out() -> None:
    for item in (effects.OpenConnection(1, IceConfig()), effects.ReadStats(1), events.WatchDetails(None)):
        assert explain(item) is None
    assert explain(events.CandidateFound(1, "candidate:nonsense")) is None


def test_each_of_the_four_phases_is_explained() -> None:
    assert list(PHASES) == [LinkPhase.SIGNALING, LinkPhase.CONNECTING, LinkPhase.SECURING, LinkPhase.OPEN]
