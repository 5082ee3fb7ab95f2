"""What a node does with identities, contacts and names."""

from dataclasses import replace

import pytest

from pychat.core import effects, events, wire
from pychat.core.chat.conversation import Conversation, Delivery
from pychat.core.codes.invite import decode
from pychat.core.handshake import commitment
from pychat.core.identity.contacts import STORE_KEY, Contact, Contacts, Namesake
from pychat.core.identity.safety import short_string
from pychat.core.link import CloseReason, Link, LinkPhase
from pychat.core.log import Entry
from pychat.core.services.links import MAX_PENDING_FRAMES
from pychat.core.sync import ACKNOWLEDGE_INTERVAL
from tests.core.people import (
    START,
    Pair,
    Person,
    compared,
    connect,
    deliveries,
    exchange,
    heeded,
    of,
    only,
    person,
    texts,
    transcript_of,
)


@pytest.fixture
def ann() -> Person:
    return person("ann")


@pytest.fixture
def bob() -> Person:
    return person("bob")


@pytest.fixture
def cat() -> Person:
    return person("cat")


@pytest.fixture
def pair(ann: Person, bob: Person) -> Pair:
    """Ann and Bob, connected; Ann has invited."""
    return connect(ann, bob)


def sides(pair: Pair) -> tuple[tuple[Person, Link], tuple[Person, Link]]:
    return (pair.ann, pair.ann_link), (pair.bob, pair.bob_link)


def kept(emitted: list[effects.Effect]) -> Contacts:
    """The contacts as they are kept for the next time."""
    return Contacts(only(effects.KeepContacts, emitted).contacts, skeleton=str.casefold)


# The handshake of a link.


def test_both_sign_the_invite_and_the_fingerprints_in_use(pair: Pair) -> None:
    invite, reply = decode(pair.ann_link.code), decode(pair.bob_link.code)
    bound = invite.digest + invite.description.fingerprint + reply.description.fingerprint

    for _, link in sides(pair):
        assert bound in transcript_of(link)
    assert transcript_of(pair.ann_link) == transcript_of(pair.bob_link)
    assert short_string(transcript_of(pair.ann_link)) == short_string(transcript_of(pair.bob_link))


def test_each_connection_has_another_short_string(pair: Pair) -> None:
    before = short_string(transcript_of(pair.ann_link))
    pair.kill()
    again = connect(pair.ann, pair.bob, pair.ann_chat.id)

    assert short_string(transcript_of(again.ann_link)) != before


def test_nothing_but_the_handshake_crosses_a_link_before_both_know_each_other(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    for someone, link in sides(pair):
        someone.write(someone.chat_of(link), "typed beforehand")
        someone.do(events.ChannelOpened(link.id))
    said: list[tuple[str, str]] = []
    while ann.sent or bob.sent:
        for name, speaker, (hearer, link) in (("ann", ann, sides(pair)[1]), ("bob", bob, sides(pair)[0])):
            frames, speaker.sent = speaker.sent, []
            said += [(name, wire.decode(frame.data).__class__.__name__) for frame in frames]
            hearer.do(*(events.FrameReceived(link.id, frame.data) for frame in frames))
            hearer.wait(ACKNOWLEDGE_INTERVAL)

    assert said[:4] == [("ann", "Hello"), ("bob", "Hello"), ("ann", "Reveal"), ("bob", "Proof")]
    assert sorted(said[4:]) == sorted([(name, kind) for name in ("ann", "bob") for kind in ("Introduce", *TALK)])


TALK = ("Have", "Have", "Entries")  # what one has at first, an acknowledgement, and what was typed


@pytest.mark.parametrize("whose", ["ann", "bob"])
@pytest.mark.parametrize("what", ["fingerprint", "invite"])
def test_whoever_sees_another_connection_is_not_spoken_with(ann: Person, bob: Person, whose: str, what: str) -> None:
    pair = exchange(ann, bob)
    ann.write(ann.chat_of(pair.ann_link), "for Bob")
    bob.write(bob.chat_of(pair.bob_link), "for Ann")
    link = pair.ann_link if whose == "ann" else pair.bob_link
    assert link.remote is not None
    if what == "fingerprint":
        link.remote = replace(link.remote, fingerprint=b"o" * 32)
    else:
        link.binding = b"o" * 32
    pair.open_channel()

    assert (pair.bob_link.close_reason, pair.ann_link.close_reason) == (CloseReason.NOT_PROVED, CloseReason.PEER_LEFT)
    assert pair.bob_link.detail
    assert not list(ann.node.people.contacts)
    assert not list(bob.node.people.contacts)
    assert texts(ann.chat_of(pair.ann_link)) == ["for Bob"]
    assert texts(bob.chat_of(pair.bob_link)) == ["for Ann"]


def test_after_a_failure_all_that_was_typed_goes_out_over_the_next_connection(ann: Person, bob: Person) -> None:
    failing = exchange(ann, bob)
    failing.ann_link.binding = b"o" * 32
    ann.write(ann.chat_of(failing.ann_link), "typed before")
    failing.open_channel()
    ann.write(ann.chat_of(failing.ann_link), "typed afterwards")
    assert failing.ann_link.phase is LinkPhase.CLOSED

    again = connect(ann, bob, ann.chat_of(failing.ann_link).id)
    assert texts(again.bob_chat) == ["typed before", "typed afterwards"]
    assert set(deliveries(again.ann_chat)) == {Delivery.DELIVERED}


def test_an_invite_that_somebody_else_answers_tells_them_nothing_that_was_said_to_the_first(
    pair: Pair, cat: Person
) -> None:
    pair.kill()
    with_bob = pair.ann_chat
    pair.ann.write(with_bob, "for Bob")
    with_cat = exchange(pair.ann, cat, with_bob.id)
    with_cat.ann_link.remote = replace(with_cat.ann_link.remote, fingerprint=b"o" * 32)  # type: ignore[type-var]
    with_cat.open_channel()

    assert with_cat.ann_link.phase is LinkPhase.CLOSED
    assert with_bob.peer == pair.bob.node.key
    assert texts(with_bob) == ["for Bob"]
    assert pair.ann.chats == [with_bob]


def test_what_the_peer_says_in_the_turn_in_which_the_channel_opens_is_not_out_of_order(
    ann: Person, bob: Person
) -> None:
    pair = exchange(ann, bob)
    ann.do(events.ChannelOpened(pair.ann_link.id))
    frames, ann.sent = ann.sent, []
    bob.do(
        events.ChannelOpened(pair.bob_link.id),
        *(events.FrameReceived(pair.bob_link.id, frame.data) for frame in frames),
    )
    pair.carry()

    assert pair.ann_link.phase is pair.bob_link.phase is LinkPhase.OPEN


# While keys are at work.


def at_a_verdict(ann: Person, bob: Person) -> Pair:
    """Ann has heard the proof of Bob, who has shown his card, and does not know yet whether it is genuine."""
    pair = exchange(ann, bob)
    ann.keys_are_slow = True
    for someone, link in sides(pair):
        someone.do(events.ChannelOpened(link.id))
    while not isinstance(ann.at_work[:1] and ann.at_work[0], events.Verified):
        ann.keys_are_done()
        pair.carry()
    return pair


def test_what_the_peer_says_waits_until_its_proof_is_checked_and_is_taken_in_order(ann: Person, bob: Person) -> None:
    pair = at_a_verdict(ann, bob)
    assert (pair.ann_link.phase, pair.bob_link.phase) == (LinkPhase.SECURING, LinkPhase.OPEN)
    bob_log = pair.bob_chat.own_log
    ann.hears(pair.ann_link, wire.Entries(bob_log, 1, [Entry(1, "one")]), wire.Entries(bob_log, 2, [Entry(2, "two")]))
    assert not isinstance(ann.chat_of(pair.ann_link), Conversation)
    assert texts(ann.chat_of(pair.ann_link)) == []
    assert not list(ann.node.people.contacts)

    ann.keys_are_done()
    assert (pair.ann_link.phase, pair.ann_chat.peer_name) == (LinkPhase.OPEN, "Bob")
    assert texts(pair.ann_chat) == ["one", "two"]


def test_what_waited_is_dropped_when_the_proof_is_not_genuine(ann: Person, bob: Person) -> None:
    pair = at_a_verdict(ann, bob)
    ann.hears(pair.ann_link, wire.Entries(pair.bob_chat.own_log, 1, [Entry(1, "one")]))
    ann.at_work = [events.Verified(pair.ann_link.id, False)]
    emitted = ann.keys_are_done()

    assert pair.ann_link.close_reason is CloseReason.NOT_PROVED
    assert texts(ann.chat_of(pair.ann_link)) == []
    assert of(effects.KeepContacts, emitted) == []


def test_what_follows_a_good_bye_that_waited_is_not_read(ann: Person, bob: Person) -> None:
    pair = at_a_verdict(ann, bob)
    ann.says()
    ann.hears(pair.ann_link, wire.Bye(), wire.Entries(pair.bob_chat.own_log, 1, [Entry(1, "one")]), "no frame")
    ann.keys_are_done()

    assert (pair.ann_link.close_reason, pair.ann_link.detail) == (CloseReason.PEER_LEFT, "")
    assert texts(pair.ann_chat) == []
    assert ann.says() == [wire.Introduce(pair.ann_chat.own_log, "Ann")]


def test_what_waited_and_sets_keys_to_work_makes_the_rest_wait_on(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    bob.keys_are_slow = True
    ann.do(events.ChannelOpened(pair.ann_link.id))
    bob.do(events.ChannelOpened(pair.bob_link.id))
    [hello] = ann.says()
    assert isinstance(hello, wire.Hello)
    genuine = wire.Reveal(ann.node.key, b"n" * 32, b"s" * 64)
    bob.hears(pair.bob_link, wire.Hello((1,), (commitment(genuine.key, genuine.nonce),)), genuine, "x")
    bob.keys_are_done()

    assert pair.bob_link.phase is LinkPhase.SECURING
    assert bob.at_work == [events.Verified(pair.bob_link.id, False)]
    assert pair.bob_link.pending_frames == ["x"]


@pytest.mark.parametrize("frames", [MAX_PENDING_FRAMES, MAX_PENDING_FRAMES + 1])
def test_a_peer_cannot_pile_up_frames_meanwhile(ann: Person, bob: Person, frames: int) -> None:
    pair = at_a_verdict(ann, bob)
    waiting = len(pair.ann_link.pending_frames)
    ann.hears(pair.ann_link, *['["typing"]'] * (frames - waiting))

    assert (pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL) == (frames > MAX_PENDING_FRAMES)
    assert len(pair.ann_link.pending_frames) == MAX_PENDING_FRAMES


def test_a_frame_that_is_too_large_does_not_wait_to_be_refused(ann: Person, bob: Person) -> None:
    pair = at_a_verdict(ann, bob)
    waiting = len(pair.ann_link.pending_frames)
    ann.hears(pair.ann_link, "x" * (wire.MAX_FRAME + 1))

    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL
    assert len(pair.ann_link.pending_frames) == waiting


def test_keys_that_finish_when_the_link_has_ended_change_nothing(ann: Person, bob: Person) -> None:
    pair = at_a_verdict(ann, bob)
    ann.do(events.ChannelClosed(pair.ann_link.id))

    assert ann.keys_are_done() == []
    assert not isinstance(ann.chat_of(pair.ann_link), Conversation)


@pytest.mark.parametrize("operation", [events.Operation.SIGN, events.Operation.VERIFY])
def test_keys_that_do_not_work_end_the_link(ann: Person, bob: Person, operation: events.Operation) -> None:
    pair = at_a_verdict(ann, bob)
    ann.do(events.OperationFailed(pair.ann_link.id, operation, "NotSupportedError"))

    assert pair.ann_link.close_reason is CloseReason.FAILED_HERE
    assert operation.value in pair.ann_link.detail


# Contacts.


def test_whoever_has_proved_who_they_are_is_known_from_then_on(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    for someone, link in sides(pair):
        someone.do(events.ChannelOpened(link.id))
    emitted: list[effects.Effect] = []
    while ann.sent or bob.sent:
        frames, ann.sent = ann.sent, []
        bob.do(*(events.FrameReceived(pair.bob_link.id, frame.data) for frame in frames))
        for frame in bob.sent:
            done = ann.do(events.FrameReceived(pair.ann_link.id, frame.data))
            assert pair.ann_link.peer is not None or of(effects.KeepContacts, done) == []
            emitted += done
        bob.sent.clear()

    assert list(kept(emitted)) == [Contact(bob.node.key, "Bob", False, START, 1)]
    assert list(ann.node.people.contacts) == [Contact(bob.node.key, "Bob", False, START, 1)]


def test_it_takes_two_round_trips_after_the_channel_has_opened(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    for someone, link in sides(pair):
        someone.do(events.ChannelOpened(link.id))
    passages, opened = 0, dict[str, int]()
    while len(opened) < 2 and passages < 10:
        passages += 1
        under_way = ann.sent, bob.sent
        ann.sent, bob.sent = [], []
        ann.do(*(events.FrameReceived(pair.ann_link.id, frame.data) for frame in under_way[1]))
        bob.do(*(events.FrameReceived(pair.bob_link.id, frame.data) for frame in under_way[0]))
        for someone, link in sides(pair):
            if link.phase is LinkPhase.OPEN:
                opened.setdefault(someone.node.messaging.name, passages)

    assert opened == {"Bob": 3, "Ann": 4}  # passages; each is half a round trip


def test_two_who_never_met_are_new_to_each_other_and_known_the_next_time(pair: Pair) -> None:
    assert pair.ann_chat.met_here
    assert pair.bob_chat.met_here

    again = connect(person("ann", contacts=pair.ann.node.people.contacts), pair.bob)
    assert not again.ann_chat.met_here


def test_whoever_was_met_elsewhere_is_known_here(ann: Person, bob: Person) -> None:
    connect(ann, bob)
    later = connect(person("ann", contacts=ann.node.people.contacts), person("bob"))

    assert not later.ann_chat.met_here
    assert later.bob_chat.met_here


def test_that_two_strings_match_makes_a_contact_verified_for_good(pair: Pair) -> None:
    emitted = pair.ann.do(compared(pair.ann_chat, True))

    assert [contact.verified for contact in kept(emitted)] == [True]
    pair.kill()
    again = connect(person("ann", contacts=kept(emitted)), pair.bob)
    contact = again.ann.node.people.contacts.get(pair.bob.node.key)
    assert contact is not None
    assert contact.verified
    assert again.ann_link.phase is LinkPhase.OPEN


def test_what_one_has_verified_the_other_has_not(pair: Pair) -> None:
    pair.ann.do(compared(pair.ann_chat, True))
    pair.carry()

    assert [contact.verified for contact in pair.bob.node.people.contacts] == [False]


def test_that_two_strings_do_not_match_ends_the_link_and_is_kept(pair: Pair) -> None:
    pair.ann.do(compared(pair.ann_chat, True))
    pair.ann.write(pair.ann_chat, "one")
    pair.carry()
    emitted = pair.ann.do(compared(pair.ann_chat, False))
    pair.ann.write(pair.ann_chat, "two")

    assert pair.ann_link.close_reason is CloseReason.NO_MATCH
    assert pair.ann.says() == [wire.Mismatch(), wire.Bye()]
    assert [contact.verified for contact in kept(emitted)] == [False]
    assert deliveries(pair.ann_chat) == [Delivery.DELIVERED, Delivery.WAITING]


def test_the_other_one_hears_that_the_comparison_has_failed_and_loses_the_badge_too(pair: Pair) -> None:
    pair.bob.do(compared(pair.bob_chat, True))
    pair.ann.do(compared(pair.ann_chat, False))
    frames = [events.FrameReceived(pair.bob_link.id, effect.data) for effect in pair.ann.sent]
    emitted = pair.bob.do(*frames)

    assert pair.bob_link.close_reason is CloseReason.PEER_NO_MATCH
    assert [(contact.verified, contact.verified_as, contact.differs) for contact in kept(emitted)] == [
        (False, "", False)
    ]
    assert pair.bob.says() == []


def test_a_peer_takes_no_badge_but_its_own_and_none_before_it_has_proved_itself(pair: Pair) -> None:
    ann = pair.ann
    ann.do(compared(pair.ann_chat, True))
    with_eve = connect(ann, person("eve"))
    ann.hears(with_eve.ann_link, wire.Mismatch())
    assert with_eve.ann_link.close_reason is CloseReason.PEER_NO_MATCH

    unproved = exchange(ann, person("mallory"))
    ann.do(events.ChannelOpened(unproved.ann_link.id))
    ann.hears(unproved.ann_link, wire.Mismatch())
    assert unproved.ann_link.close_reason is CloseReason.BROKE_PROTOCOL
    assert [contact.name for contact in ann.node.people.contacts if contact.verified] == ["Bob"]
    assert pair.ann_link.phase is LinkPhase.OPEN


def test_a_number_can_be_compared_when_the_link_has_ended(pair: Pair) -> None:
    pair.kill()
    emitted = pair.ann.do(compared(pair.ann_chat, True))
    assert [contact.verified for contact in kept(emitted)] == [True]

    emitted = pair.ann.do(compared(pair.ann_chat, False))
    assert [contact.verified for contact in kept(emitted)] == [False]
    assert pair.ann_link.close_reason is CloseReason.CHANNEL_CLOSED


def test_nobody_is_verified_where_nobody_is(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    key = bob.node.key
    reports = [
        events.ReportComparison(chat, key, "bob", True) for chat in (ann.chat_of(pair.ann_link).id, "no-conversation")
    ]
    assert ann.do(*reports) == []

    pair.open_channel()
    assert [contact.verified for contact in ann.node.people.contacts] == [False]


def test_a_store_that_keeps_nothing_is_told_of(ann: Person) -> None:
    ann.do(events.NotKept("visited", "what is kept of rooms"))
    assert ann.node.people.not_kept == ""
    ann.do(events.NotKept(STORE_KEY, "QuotaExceededError"))

    assert ann.node.people.not_kept == "QuotaExceededError"


# Names.


def test_each_sees_how_the_other_one_wants_to_be_called(pair: Pair) -> None:
    assert (pair.ann_chat.peer_name, pair.bob_chat.peer_name) == ("Bob", "Ann")


def test_a_name_that_is_changed_reaches_those_who_are_connected(pair: Pair, cat: Person) -> None:
    with_cat = connect(pair.ann, cat)
    pair.ann.do(events.SetName(" Annie\u202e "))
    pair.carry()
    with_cat.carry()

    assert pair.ann.node.messaging.name == pair.bob_chat.peer_name == with_cat.bob_chat.peer_name == "Annie"
    assert [contact.name for contact in pair.bob.node.people.contacts] == ["Annie"]
    assert pair.ann.sent == []


def test_a_name_that_is_changed_while_the_path_is_lost_arrives_with_it(pair: Pair) -> None:
    pair.break_path()
    pair.ann.do(events.SetName("Annie"))
    pair.carry()

    assert pair.bob_chat.peer_name == "Annie"


def test_a_name_is_told_to_nobody_who_has_not_proved_who_they_are(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    ann.do(events.ChannelOpened(pair.ann_link.id))
    ann.says()
    ann.do(events.SetName("Annie"))

    assert ann.says() == []


def test_a_name_that_is_taken_back_leaves_the_last_one_known(pair: Pair) -> None:
    pair.ann.do(events.SetName(""))
    pair.carry()

    assert pair.bob_chat.peer_name == ""
    assert [contact.name for contact in pair.bob.node.people.contacts] == ["Ann"]


@pytest.mark.parametrize(("name", "shown"), [("\u202eAnn", "Ann"), ("A\nB", "A B"), ("\u3164", "")])
def test_a_name_that_hides_something_is_shown_without_it(pair: Pair, name: str, shown: str) -> None:
    pair.ann.hears(pair.ann_link, wire.Introduce(pair.bob_chat.own_log, name))

    assert pair.ann_chat.peer_name == shown
    assert [contact.name for contact in pair.ann.node.people.contacts] == [shown or "Bob"]


# Somebody else with the name of somebody known.


def impostor(pair: Pair, name: str = "BOB") -> Pair:
    """Ann, who knows Bob, is connected to Eve, who calls herself so too; Ann had written something to whoever comes."""
    eve = person("eve")
    eve.do(events.SetName(name))
    with_eve = exchange(pair.ann, eve)
    pair.ann.write(pair.ann.chat_of(with_eve.ann_link), "typed before")
    with_eve.open_channel()
    return with_eve


def test_a_known_name_with_another_key_is_warned_of_and_nothing_is_sent(pair: Pair) -> None:
    with_eve = impostor(pair)
    pair.ann.write(with_eve.ann_chat, "typed afterwards")
    with_eve.carry()

    bob = pair.ann.node.people.contacts.get(pair.bob.node.key)
    assert bob is not None
    assert with_eve.ann_chat.warning == Namesake(bob, with_eve.ann_chat.peer_name)
    assert texts(with_eve.bob_chat) == []
    assert texts(with_eve.ann_chat) == ["typed before", "typed afterwards"]
    assert deliveries(with_eve.ann_chat) == [Delivery.WAITING] * 2


def test_what_they_write_meanwhile_is_shown(pair: Pair) -> None:
    with_eve = impostor(pair)
    with_eve.bob.write(with_eve.bob_chat, "It is me")
    with_eve.carry()

    assert texts(with_eve.ann_chat) == ["typed before", "It is me"]
    assert deliveries(with_eve.bob_chat) == [Delivery.DELIVERED]


def test_once_the_warning_is_heeded_what_was_typed_goes_out(pair: Pair) -> None:
    with_eve = impostor(pair)
    pair.ann.do(heeded(with_eve.ann_chat))
    with_eve.carry()

    assert with_eve.ann_chat.warning is None
    assert texts(with_eve.bob_chat) == ["typed before"]
    assert deliveries(with_eve.ann_chat) == [Delivery.DELIVERED]


def test_strings_that_match_settle_the_warning_and_others_end_it_with_nothing_sent(pair: Pair) -> None:
    with_eve = impostor(pair)
    pair.ann.do(compared(with_eve.ann_chat, False))
    with_eve.carry()
    assert with_eve.ann_link.close_reason is CloseReason.NO_MATCH
    assert texts(with_eve.bob_chat) == []

    again = impostor(pair)
    pair.ann.do(compared(again.ann_chat, True))
    again.carry()
    assert texts(again.bob_chat) == ["typed before"] * 2
    assert again.ann_chat.warning is None


def test_a_name_that_is_taken_later_is_warned_of_too(pair: Pair) -> None:
    with_eve = impostor(pair, "Eve")
    assert texts(with_eve.bob_chat) == ["typed before"]
    with_eve.bob.do(events.SetName("bob"))
    with_eve.carry()
    pair.ann.write(with_eve.ann_chat, "typed afterwards")
    with_eve.carry()

    assert with_eve.ann_chat.warning is not None
    assert texts(with_eve.bob_chat) == ["typed before"]


def test_a_warning_stays_when_the_name_is_taken_back(pair: Pair) -> None:
    with_eve = impostor(pair)
    with_eve.bob.do(events.SetName("Eve"))
    with_eve.carry()

    assert with_eve.ann_chat.warning is not None
    assert texts(with_eve.bob_chat) == []


def test_a_warning_outlasts_the_link(pair: Pair) -> None:
    with_eve = impostor(pair)
    with_eve.kill()
    again = connect(pair.ann, with_eve.bob, with_eve.ann_chat.id)

    assert again.ann_chat.warning is not None
    assert texts(again.bob_chat) == []


def test_whoever_was_verified_is_not_warned_of_whatever_their_name(pair: Pair) -> None:
    with_eve = impostor(pair)
    pair.ann.do(compared(with_eve.ann_chat, True))
    with_eve.bob.do(events.SetName("Bob"))
    with_eve.carry()

    assert with_eve.ann_chat.warning is None


def test_the_one_who_is_known_is_not_warned_of(pair: Pair) -> None:
    pair.bob.do(events.SetName("Robert"), events.SetName("Bob"))
    pair.carry()

    assert pair.ann_chat.warning is None


def test_the_one_who_was_known_first_comes_back_without_a_warning(pair: Pair) -> None:
    pair.kill()
    pair.ann.wait(60)
    impostor(pair)
    pair.bob.now = pair.ann.now
    again = connect(pair.ann, pair.bob, pair.ann_chat.id)

    assert again.ann_chat.warning is None


def test_whoever_shows_no_card_is_warned_of_by_the_name_they_are_known_by_and_gets_nothing(pair: Pair) -> None:
    with_eve = impostor(pair)
    pair.ann.do(events.LeaveConversation(with_eve.ann_chat.id), events.RemoveConversation(with_eve.ann_chat.id))
    with_eve.kill()
    ann, eve = person("ann", contacts=pair.ann.node.people.contacts), with_eve.bob
    again = exchange(ann, eve)
    ann.write(ann.chat_of(again.ann_link), "for Bob alone")
    for someone, link in sides(again):
        someone.do(events.ChannelOpened(link.id))
    while again.ann_link.peer is None:
        ann_says, ann.sent = ann.sent, []
        eve.do(*(events.FrameReceived(again.bob_link.id, frame.data) for frame in ann_says))
        eve_says, eve.sent = eve.sent, []
        ann.do(
            *(
                events.FrameReceived(again.ann_link.id, f.data)
                for f in eve_says
                if not f.data.startswith('["introduce"')
            )
        )

    assert again.ann_chat.warning is not None
    ann.says()
    ann.hears(again.ann_link, wire.Have({ann.log_of(again.ann_link): 0}))
    assert again.ann_link.close_reason is CloseReason.BROKE_PROTOCOL
    assert not any(isinstance(frame, wire.Entries) for frame in ann.says())


def test_whoever_was_verified_stays_so_by_that_name_until_the_person_agrees_to_another(pair: Pair) -> None:
    pair.ann.do(compared(pair.ann_chat, True))
    pair.bob.do(events.SetName("Robert"))
    pair.carry()
    contact = pair.ann.node.people.contacts.get(pair.bob.node.key)
    assert contact is not None
    assert (contact.known_as, contact.new_name) == ("Bob", "Robert")

    vain = events.AcceptName(pair.ann_chat.id, "Rupert"), events.AcceptName("no-conversation", "Robert")
    assert pair.ann.do(*vain) == []
    (accepted,) = kept(pair.ann.do(events.AcceptName(pair.ann_chat.id, "Robert")))
    assert (accepted.known_as, accepted.new_name, accepted.verified) == ("Robert", "", True)


def test_nobody_who_was_not_verified_needs_an_agreement(pair: Pair) -> None:
    pair.bob.do(events.SetName("Robert"))
    pair.carry()

    assert pair.ann.do(events.AcceptName(pair.ann_chat.id, "Robert")) == []


def test_whoever_was_verified_by_another_name_is_not_shown_under_that_of_somebody_verified(pair: Pair) -> None:
    pair.ann.do(compared(pair.ann_chat, True))
    with_eve = impostor(pair, "Eve")
    pair.ann.do(compared(with_eve.ann_chat, True))
    with_eve.bob.do(events.SetName("Bob"))
    with_eve.carry()
    contacts = pair.ann.node.people.contacts
    eve = contacts.get(with_eve.bob.node.key)

    assert eve is not None
    assert eve.known_as == "Eve"
    assert contacts.bearer(eve.new_name, eve) == contacts.get(pair.bob.node.key)


def test_that_somebody_else_has_come_meanwhile_verifies_nobody(pair: Pair) -> None:
    with_eve = impostor(pair)
    emitted = pair.ann.do(events.ReportComparison(with_eve.ann_chat.id, pair.bob.node.key, "bob", True))

    assert emitted == []
    assert with_eve.ann_chat.warning is not None
    assert [contact.verified for contact in pair.ann.node.people.contacts] == [False, False]


def test_cards_that_change_nothing_are_not_kept_again(pair: Pair) -> None:
    card = wire.Introduce(pair.bob.log_of(pair.bob_link), "Bob")
    emitted = pair.ann.hears(pair.ann_link, *[card] * 500)
    assert of(effects.KeepContacts, emitted) == []

    pair.ann.now += 100
    assert [contact.name for contact in kept(pair.ann.hears(pair.ann_link, *[card] * 500))] == ["Bob"]


def elsewhere(pair: Pair) -> Contacts:
    """Ann's contacts as another program of hers has them."""
    return Contacts(pair.ann.node.people.contacts, skeleton=str.casefold)


def test_what_another_tab_has_kept_counts_here(pair: Pair) -> None:
    other = elsewhere(pair)
    other.judge(pair.bob.node.key, match=True)
    emitted = pair.ann.do(events.ContactsKept(other.dumps()), events.ContactsKept("nonsense"))

    assert [contact.verified for contact in pair.ann.node.people.contacts] == [True]
    assert emitted == []


def test_a_comparison_that_has_failed_in_another_tab_ends_the_connection_here(pair: Pair) -> None:
    other = elsewhere(pair)
    other.judge(pair.bob.node.key, match=False)
    emitted = pair.ann.do(events.ContactsKept(other.dumps()))
    pair.carry()

    assert pair.ann_link.close_reason is CloseReason.NO_MATCH
    assert of(effects.KeepContacts, emitted) == []
    assert pair.bob_link.close_reason is CloseReason.PEER_NO_MATCH


def test_whom_the_person_compares_with_anew_is_not_thrown_out_by_what_is_known_already(pair: Pair) -> None:
    pair.ann.do(compared(pair.ann_chat, False))
    again = connect(pair.ann, pair.bob, pair.ann_chat.id)
    pair.ann.do(events.ContactsKept(elsewhere(pair).dumps()))

    assert again.ann_link.phase is LinkPhase.OPEN


def test_what_another_tab_has_written_over_is_kept_again(pair: Pair) -> None:
    other = elsewhere(pair)
    pair.ann.do(compared(pair.ann_chat, True))
    verified = kept(pair.ann.do(events.ContactsKept(other.dumps())))

    assert [contact.verified for contact in verified] == [True]


def test_a_warning_goes_when_the_person_has_compared_in_another_tab(pair: Pair) -> None:
    with_eve = impostor(pair)
    assert with_eve.ann_chat.warning is not None
    other = elsewhere(pair)
    other.judge(with_eve.bob.node.key, match=True)
    pair.ann.do(events.ContactsKept(other.dumps()))

    assert with_eve.ann_chat.warning is None


def test_heeding_a_warning_where_there_is_none_does_nothing(pair: Pair) -> None:
    warning = Namesake(Contact(pair.bob.node.key), "bob")
    for chat in (pair.ann_chat.id, "no-conversation"):
        assert pair.ann.do(events.DismissWarning(chat, warning)) == []


def known_and_verified(ann: Person, *others: Person) -> None:
    for other in others:
        ann.do(compared(connect(ann, other).ann_chat, True))


@pytest.mark.parametrize("heeds", [True, False])
def test_whoever_takes_one_name_after_the_other_is_warned_of_each(ann: Person, bob: Person, heeds: bool) -> None:
    carol, mallory = person("carol"), person("mallory")
    known_and_verified(ann, bob, carol)
    mallory.node.messaging.name = "bob"
    pair = connect(ann, mallory)
    ann.write(pair.ann_chat, "secret")
    before = heeded(pair.ann_chat)
    if heeds:  # what is in the moment of pressing another warning is not heeded by that
        mallory.do(events.SetName("carol"))
        pair.carry()
        ann.do(before)
    else:
        mallory.do(events.SetName("carol"))
        pair.carry()

    assert pair.ann_chat.warning is not None
    assert (pair.ann_chat.warning.contact.key, pair.ann_chat.warning.name) == (carol.node.key, "carol")
    assert texts(pair.bob_chat) == []
    ann.do(heeded(pair.ann_chat))
    pair.carry()
    assert texts(pair.bob_chat) == ["secret"]


def test_a_name_taken_after_one_warning_was_heeded_is_warned_of_anew(ann: Person, bob: Person) -> None:
    carol, mallory = person("carol"), person("mallory")
    known_and_verified(ann, bob, carol)
    mallory.node.messaging.name = "bob"
    pair = connect(ann, mallory)
    ann.do(heeded(pair.ann_chat))
    mallory.do(events.SetName("carol"))
    pair.carry()
    ann.write(pair.ann_chat, "secret for Carol")
    pair.carry()

    assert texts(pair.bob_chat) == []


def test_nobody_is_verified_by_a_name_that_was_not_shown(ann: Person, bob: Person) -> None:
    """A name that is changed in the moment in which somebody presses “They match”."""
    mallory = person("mallory")
    known_and_verified(ann, bob)
    pair = connect(ann, mallory)
    presses = compared(pair.ann_chat, True)
    mallory.do(events.SetName("bob"))
    pair.carry()
    ann.do(presses)
    contact = ann.node.people.contacts.get(mallory.node.key)

    assert contact is not None
    assert (contact.verified, contact.known_as, contact.new_name) == (True, "Mallory", "bob")


# Two tabs of one person.


def test_another_tab_of_ones_own_is_no_contact_and_nothing_to_be_warned_of(ann: Person) -> None:
    ann.node.people.contacts.meet(b"k" * 32, "Ann", 1.0)
    pair = connect(ann, person("ann"))
    pair.ann.write(pair.ann_chat, "one")
    pair.carry()
    emitted = pair.ann.do(compared(pair.ann_chat, True))

    assert pair.ann_chat.warning is None
    assert texts(pair.bob_chat) == ["one"]
    assert emitted == []
    assert [contact.key for contact in ann.node.people.contacts] == [b"k" * 32]


def test_somebody_in_two_tabs_is_one_person_to_others(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann_chat = pair.ann_chat
    ann.write(ann_chat, "one")
    pair.carry()
    bob.write(pair.bob_chat, "from the first tab")
    pair.carry()
    other_tab = person("bob")
    with_other = connect(ann, other_tab)
    assert with_other.ann_chat is ann_chat
    other_tab.write(with_other.bob_chat, "from the second tab")
    with_other.carry()
    ann.write(with_other.ann_chat, "two")
    with_other.carry()
    pair.kill()
    again = connect(ann, bob, ann_chat.id)
    bob.write(again.bob_chat, "from the first tab again")
    again.carry()

    assert again.ann_chat is ann_chat
    assert texts(with_other.bob_chat) == ["one", "from the second tab", "two"]
    assert texts(again.bob_chat) == ["one", "from the first tab", "two", "from the first tab again"]
    assert texts(again.ann_chat) == [
        *("one", "from the first tab", "from the second tab", "two"),
        "from the first tab again",
    ]


# Logs.


def test_each_conversation_has_a_log_of_its_own(pair: Pair, cat: Person) -> None:
    with_cat = connect(pair.ann, cat)
    names = [pair.ann_chat.own_log, pair.bob_chat.own_log, with_cat.ann_chat.own_log, with_cat.bob_chat.own_log]

    assert len(set(names)) == 4
    assert wire.decode(wire.encode(wire.Introduce(names[0], ""))) == wire.Introduce(names[0], "")


def test_a_person_who_starts_anew_has_other_logs(ann: Person) -> None:
    names = [started.chat_of(started.invite()).own_log for started in (ann, person("ann"))]

    assert names[0] != names[1]


def remove(someone: Person, link: Link) -> None:
    chat = someone.chat_of(link)
    someone.do(events.RemoveConversation(chat.id))
    assert someone.node.chats.get(chat.id) is None
    assert chat not in someone.chats


def test_a_removed_conversation_does_not_come_back_and_nothing_after_it_is_lost(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    bob.write(pair.bob_chat, "one", "two")
    pair.carry()
    ann.write(pair.ann_chat, "old")
    pair.carry()
    pair.kill()
    remove(ann, pair.ann_link)
    bob.write(pair.bob_chat, "three")

    again = connect(bob, ann, pair.bob_chat.id)
    ann.write(again.bob_chat, "new")
    again.carry()
    bob.write(again.ann_chat, "four")
    again.carry()
    assert texts(again.bob_chat) == ["three", "new", "four"]
    assert texts(again.ann_chat) == ["one", "two", "old", "three", "new", "four"]
    assert set(deliveries(again.ann_chat)) == set(deliveries(again.bob_chat)) == {Delivery.DELIVERED}


def test_what_was_removed_again_and_again_stays_so(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    for number in range(3):
        bob.write(pair.bob_chat, f"message {number}")
        pair.carry()
        assert texts(pair.ann_chat) == [f"message {number}"]
        pair.kill()
        remove(ann, pair.ann_link)
        pair = connect(ann, bob)

    assert texts(pair.ann_chat) == []
    assert texts(pair.bob_chat) == ["message 0", "message 1", "message 2"]


def test_when_both_have_removed_it_both_begin_anew(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write(pair.ann_chat, "old")
    pair.carry()
    pair.kill()
    remove(ann, pair.ann_link)
    remove(bob, pair.bob_link)
    again = connect(ann, bob)
    ann.write(again.ann_chat, "new")
    again.carry()

    assert texts(again.ann_chat) == texts(again.bob_chat) == ["new"]


def test_what_was_removed_is_asked_of_nobody_else(pair: Pair, cat: Person) -> None:
    pair.bob.write(pair.bob_chat, "one")
    pair.carry()
    pair.kill()
    remove(pair.ann, pair.ann_link)
    with_cat = connect(pair.ann, cat)
    with_cat.bob.write(with_cat.bob_chat, "from Cat")
    with_cat.carry()

    assert texts(with_cat.ann_chat) == ["from Cat"]


def test_whoever_has_lost_everything_gets_our_words_again_and_writes_on_in_the_same_conversation(pair: Pair) -> None:
    ann = pair.ann
    ann_chat = pair.ann_chat
    ann.write(ann_chat, "one")
    pair.bob.write(pair.bob_chat, "from Bob")
    pair.carry()
    pair.kill()
    ann.write(ann_chat, "two")
    started_anew = person("bob")
    again = connect(ann, started_anew, ann_chat.id)
    started_anew.write(again.bob_chat, "from Bob again")
    again.carry()

    assert again.ann_chat is ann_chat
    assert texts(again.bob_chat) == ["one", "two", "from Bob again"]
    assert texts(again.ann_chat) == ["one", "from Bob", "two", "from Bob again"]
    assert set(deliveries(again.ann_chat)) == {Delivery.DELIVERED}


def test_entries_of_a_log_that_is_not_on_the_card_are_refused(pair: Pair) -> None:
    old_log = pair.bob_chat.own_log
    pair.kill()
    again = connect(pair.ann, person("bob"), pair.ann_chat.id)
    again.ann.hears(again.ann_link, wire.Entries(old_log, 1, [Entry(1, "old")]))

    assert again.ann_link.close_reason is CloseReason.BROKE_PROTOCOL
    assert texts(again.ann_chat) == []
