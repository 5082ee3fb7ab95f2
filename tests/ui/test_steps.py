import pytest

from pychat.core import effects as fx
from pychat.core import events as ev
from pychat.core.ice import IceConfig
from pychat.core.link import Phase
from pychat.ui.steps import PHASES, explain
from tests.core import samples


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
    step = explain(ev.CandidateFound(1, attribute))
    assert step is not None
    assert kind in step.title
    assert word in step.why
    assert step.raw == attribute


@pytest.mark.parametrize(
    ("frame", "title"),
    [
        ('["hello",[1],"peer-peer-peer-peer"]', "greets"),
        ('["entries","peer-peer-peer-peer",1,[[1,"hi"]]]', "sends a message"),
        ('["have",{}]', "says what it has received"),
        ('["bye"]', "says good-bye"),
    ],
)
def test_each_frame_is_explained(frame: str, title: str) -> None:
    step = explain(fx.SendFrame(1, frame))
    assert step is not None
    assert (step.phase, step.title, step.raw) == (Phase.OPEN, title, frame)


def test_what_helps_nobody_is_left_out() -> None:
    for item in (fx.OpenConnection(1, IceConfig()), fx.ReadStats(1), ev.DetailsWatched(None)):
        assert explain(item) is None
    assert explain(ev.CandidateFound(1, "candidate:nonsense")) is None


def test_each_of_the_four_phases_is_explained() -> None:
    assert list(PHASES) == [Phase.SIGNALING, Phase.CONNECTING, Phase.SECURING, Phase.OPEN]
