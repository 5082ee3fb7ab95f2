import pytest

from pychat.core import effects, events, wire
from pychat.core.chat.conversation import Conversation, Delivery
from pychat.core.codes.invite import decode
from pychat.core.errors import CodeProblem, LocalError
from pychat.core.link import RENAME_BURST, RENAME_INTERVAL, TIMEOUTS, CloseReason, Link, LinkPhase
from pychat.core.log import Counts, Entry
from pychat.core.services.code_inbox import TABS_PATIENCE
from pychat.core.services.diagnostics import STATS_INTERVAL
from pychat.core.services.links import CLOSE_DELAY
from pychat.core.sync import ACKNOWLEDGE_INTERVAL, WINDOW
from pychat.core.webrtc import gathering, ice_keep_alive
from pychat.core.webrtc.capabilities import Capabilities
from pychat.core.webrtc.ice import IceConfig, IceServer
from pychat.core.webrtc.sdp import CandidateKind, DescriptionKind, parse_candidate
from pychat.core.webrtc.stats import Stats
from tests.core import samples
from tests.core.people import START, Pair, Person, connect, deliveries, exchange, of, only, person, texts


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


def written_by(someone: Person, conversation: Conversation) -> list[str]:
    own = conversation.peer != someone.node.key
    return [m.entry.text for m in conversation.timeline if (m.author == conversation.own_log) is own]


# Two people exchange an invite and a reply.


def test_an_invite_begins_with_a_connection_and_an_offer(ann: Person) -> None:
    opened, offered = ann.do(events.CreateInvite())

    assert isinstance(opened, effects.OpenConnection)
    assert isinstance(offered, effects.CreateOffer)
    assert opened.link == offered.link


def test_the_invite_holds_what_the_offer_says(ann: Person) -> None:
    link = ann.invite()

    assert link.local is not None
    assert decode(link.code).description == link.local
    assert decode(link.code).description.kind is DescriptionKind.OFFER


def test_a_pasted_invite_is_answered(ann: Person, bob: Person) -> None:
    invite = ann.invite()
    opened, accepted = bob.paste(invite.code)

    assert isinstance(opened, effects.OpenConnection)
    assert isinstance(accepted, effects.AcceptOffer)
    assert invite.local is not None
    assert f"a=ice-pwd:{invite.local.pwd}" in accepted.sdp


def test_the_reply_names_the_invite_and_holds_what_the_answer_says(ann: Person, bob: Person) -> None:
    invite = ann.invite()
    reply = bob.reply(invite.code)

    assert decode(reply.code).answers == decode(invite.code).ref
    assert decode(reply.code).description == reply.local


def test_the_pasted_reply_is_given_to_the_connection_of_its_invite(ann: Person, bob: Person) -> None:
    first, second = ann.invite(), ann.invite()
    reply = bob.reply(first.code)
    accepted = only(effects.AcceptAnswer, ann.paste(reply.code))

    assert accepted.link == first.id
    assert (first.phase, second.phase) == (LinkPhase.CONNECTING, LinkPhase.SIGNALING)


def test_the_handshake_opens_the_links_of_both(pair: Pair) -> None:
    assert pair.ann_link.phase is pair.bob_link.phase is LinkPhase.OPEN
    assert pair.ann_chat.peer == pair.bob.node.key
    assert pair.bob_chat.peer == pair.ann.node.key


def test_whoever_invites_sees_connecting_securing_open(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    link = pair.ann_link
    phases = [link.phase]
    for event in (events.IceStateChanged(link.id, events.IceState.CONNECTED), events.ChannelOpened(link.id)):
        ann.do(event)
        phases.append(link.phase)
    bob.do(events.ChannelOpened(pair.bob_link.id))
    pair.carry()
    phases.append(link.phase)

    assert phases == [LinkPhase.CONNECTING, LinkPhase.SECURING, LinkPhase.SECURING, LinkPhase.OPEN]


def test_whoever_replies_is_signaling_until_the_encryption_stands(ann: Person, bob: Person) -> None:
    link = bob.reply(ann.invite().code)
    phases = []
    for event in (
        events.IceStateChanged(link.id, events.IceState.CONNECTED),
        events.ConnectionStateChanged(link.id, events.ConnectionState.CONNECTED),
    ):
        bob.do(event)
        phases.append(link.phase)

    assert phases == [LinkPhase.SIGNALING, LinkPhase.SECURING]


# When the code is made.


def test_there_is_no_code_before_gathering_has_finished(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(ann.described(link, DescriptionKind.OFFER, samples.HOST))
    assert ann.node.links.by_id[link].code == ""

    ann.do(events.GatheringFinished(link))
    assert ann.node.links.by_id[link].code


def test_that_gathering_has_finished_may_be_known_before_the_description(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(events.GatheringFinished(link), ann.described(link, DescriptionKind.OFFER, samples.HOST))

    assert ann.node.links.by_id[link].code


def test_candidates_that_come_after_the_description_are_in_the_code(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(
        ann.described(link, DescriptionKind.OFFER, samples.HOST),
        events.CandidateFound(link, samples.SERVER_REFLEXIVE),
        events.CandidateFound(link, samples.TCP),
        events.CandidateFound(link, samples.HOST),
        events.CandidateFound(link, ""),
        events.GatheringFinished(link),
    )

    kinds = [candidate.kind for candidate in decode(ann.node.links.by_id[link].code).description.candidates]
    assert kinds == [CandidateKind.HOST, CandidateKind.SERVER_REFLEXIVE]


def test_gathering_that_goes_on_and_on_is_not_waited_for(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(ann.described(link, DescriptionKind.OFFER, samples.HOST))
    ann.wait(gathering.PATIENCE - 0.1)
    assert ann.node.links.by_id[link].code == ""

    ann.wait(0.1)
    assert ann.node.links.by_id[link].code


STUN = IceConfig((IceServer("stun:stun.example"),))
TURN = IceConfig((IceServer("turn:turn.example", "ann", "secret"),))


@pytest.mark.parametrize(("ice", "best"), [(STUN, samples.SERVER_REFLEXIVE), (TURN, samples.RELAYED)])
def test_with_the_best_candidate_at_hand_there_is_only_a_short_wait(ice: IceConfig, best: str) -> None:
    ann = person("ann", ice=ice)
    link = ann.begin_invite()
    ann.do(ann.described(link, DescriptionKind.OFFER, samples.HOST), events.CandidateFound(link, best))
    ann.wait(gathering.BEST_PATIENCE)

    assert ann.node.links.by_id[link].code


def test_with_a_relay_to_be_expected_a_reflexive_candidate_is_not_the_best() -> None:
    ann = person("ann", ice=TURN)
    link = ann.begin_invite()
    ann.do(
        ann.described(link, DescriptionKind.OFFER, samples.HOST), events.CandidateFound(link, samples.SERVER_REFLEXIVE)
    )
    ann.wait(gathering.BEST_PATIENCE)

    assert ann.node.links.by_id[link].code == ""


def test_the_best_candidate_does_not_put_the_code_off(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(ann.described(link, DescriptionKind.OFFER, samples.HOST))
    ann.wait(gathering.PATIENCE - 0.1)
    ann.do(events.CandidateFound(link, samples.SERVER_REFLEXIVE))
    ann.wait(0.1)

    assert ann.node.links.by_id[link].code


def test_a_first_candidate_that_comes_late_makes_the_code_soon(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(ann.described(link, DescriptionKind.OFFER))
    ann.wait(gathering.PATIENCE + 10)
    assert ann.node.links.by_id[link].code == ""

    ann.do(events.CandidateFound(link, samples.HOST))
    ann.wait(gathering.BEST_PATIENCE)
    assert ann.node.links.by_id[link].code


def test_a_code_does_not_change_once_it_is_made(ann: Person) -> None:
    link = ann.invite()
    code = link.code
    ann.do(events.CandidateFound(link.id, samples.SERVER_REFLEXIVE), events.GatheringFinished(link.id))
    assert ann.node.next_deadline() is None
    ann.wait(10)

    assert link.code == code


def test_a_computer_without_any_address_cannot_invite(ann: Person) -> None:
    link = ann.begin_invite()
    emitted = ann.do(ann.described(link, DescriptionKind.OFFER, samples.TCP), events.GatheringFinished(link))

    assert ann.node.links.by_id[link].close_reason is CloseReason.NO_ADDRESS
    assert only(effects.CloseConnection, emitted).link == link


def test_a_description_that_is_none_ends_only_its_link(ann: Person, bob: Person) -> None:
    pair = connect(ann, bob)
    link = ann.begin_invite()
    ann.do(events.LocalDescriptionReady(link, "v=0"))

    assert ann.node.links.by_id[link].close_reason is CloseReason.FAILED_HERE
    assert pair.ann_link.phase is LinkPhase.OPEN


@pytest.mark.parametrize("finish", [True, False], ids=["gathering finished", "at the deadline"])
def test_credentials_that_fit_in_no_code_end_only_their_link(ann: Person, finish: bool) -> None:
    link = ann.begin_invite()
    sdp = samples.with_candidates(samples.CHROMIUM_OFFER, samples.HOST).replace("LkGn", "L%Gn")
    ann.do(events.LocalDescriptionReady(link, sdp), *([events.GatheringFinished(link)] if finish else []))
    ann.wait(gathering.PATIENCE)

    assert ann.node.links.by_id[link].close_reason is CloseReason.FAILED_HERE


def test_an_effect_that_could_not_be_carried_out_ends_its_link_in_the_platforms_words(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(events.OperationFailed(link, events.Operation.OFFER, "NotSupportedError"))

    ended = ann.node.links.by_id[link]
    assert (ended.close_reason, ended.detail) == (CloseReason.FAILED_HERE, "could not make an offer: NotSupportedError")


def test_servers_that_were_chosen_are_used_by_connections_made_from_then_on(ann: Person) -> None:
    before = only(effects.OpenConnection, ann.do(events.CreateInvite()))
    ann.do(events.ConfigureIce(STUN))
    after = only(effects.OpenConnection, ann.do(events.CreateInvite()))

    assert (before.ice, after.ice) == (IceConfig(), STUN)


# A pasted code that is of no use here.


def test_a_code_that_cannot_be_read_says_so(ann: Person) -> None:
    assert ann.paste("hello") == []
    assert ann.node.introductions.inbox.problem is CodeProblem.NOT_A_CODE


def test_the_next_paste_forgets_the_problem_of_the_last(ann: Person, bob: Person) -> None:
    bob.paste("hello")
    bob.paste(ann.invite().code)

    assert bob.node.introductions.inbox.problem is None


def test_ones_own_invite_is_for_somebody_else(ann: Person) -> None:
    assert of(effects.OpenConnection, ann.paste(ann.invite().code)) == []
    assert ann.node.introductions.inbox.problem is CodeProblem.OWN_INVITE


def test_ones_own_reply_is_for_somebody_else(ann: Person, bob: Person) -> None:
    reply = bob.reply(ann.invite().code)
    emitted = bob.paste(reply.code)

    assert emitted == []
    assert bob.node.introductions.inbox.problem is CodeProblem.OWN_REPLY


def test_an_invite_takes_one_reply_only(ann: Person, bob: Person, cat: Person) -> None:
    invite = ann.invite()
    first, second = bob.reply(invite.code), cat.reply(invite.code)
    ann.paste(first.code)
    emitted = ann.paste(second.code)

    assert emitted == []
    assert ann.node.introductions.inbox.problem is CodeProblem.INVITE_USED


def test_an_invite_that_was_given_up_takes_no_reply(ann: Person, bob: Person) -> None:
    invite = ann.invite()
    reply = bob.reply(invite.code)
    ann.do(events.LeaveConversation(ann.chat_of(invite).id))
    ann.paste(reply.code)

    assert ann.node.introductions.inbox.problem is CodeProblem.INVITE_USED


def test_an_invite_is_answered_once(ann: Person, bob: Person) -> None:
    invite = ann.invite()
    bob.reply(invite.code)
    emitted = bob.paste(invite.code)

    assert emitted == []
    assert bob.node.introductions.inbox.problem is CodeProblem.INVITE_ALREADY_PASTED


def test_an_invite_can_be_answered_again_when_the_first_try_has_ended(ann: Person, bob: Person) -> None:
    invite = ann.invite()
    first = bob.reply(invite.code)
    bob.do(events.LeaveConversation(bob.chat_of(first).id))
    second = bob.reply(invite.code)
    ann.paste(second.code)

    assert ann.node.introductions.inbox.problem is None
    assert invite.phase is LinkPhase.CONNECTING


def test_a_reply_to_nothing_has_no_invite_waiting_once_the_tabs_had_their_chance(
    ann: Person, bob: Person, cat: Person
) -> None:
    reply = bob.reply(ann.invite().code)
    cat.paste(reply.code)
    assert cat.node.introductions.inbox.problem is None

    cat.wait(TABS_PATIENCE)
    assert cat.node.introductions.inbox.problem is CodeProblem.NO_INVITE_WAITING


def test_a_reply_to_another_invite_says_so_once_the_tabs_had_their_chance(
    ann: Person, bob: Person, cat: Person
) -> None:
    reply = bob.reply(ann.invite().code)
    cat.invite()
    cat.paste(reply.code)
    cat.wait(TABS_PATIENCE)

    assert cat.node.introductions.inbox.problem is CodeProblem.OTHER_INVITE


def test_a_code_that_is_taken_is_counted_and_leads_to_where_it_was_put_to_use(ann: Person, bob: Person) -> None:
    invite = ann.invite()
    assert (ann.node.chats.codes_used, ann.node.chats.opened) == (0, ann.chat_of(invite).id)

    reply = bob.reply(invite.code)
    assert (bob.node.chats.codes_used, bob.node.chats.opened) == (1, bob.chat_of(reply).id)
    ann.do(events.CreateInvite(), events.PasteCode("nonsense"), events.PasteCode(reply.code))
    assert (ann.node.chats.codes_used, ann.node.chats.opened) == (1, ann.chat_of(invite).id)


# A code in the link by which the page was opened.


def test_an_invite_in_a_link_waits_for_the_person(ann: Person, bob: Person) -> None:
    code = ann.invite().code

    assert bob.do(events.OpenCodeLink(code)) == []
    assert bob.node.introductions.inbox.problem is None
    assert bob.node.links.by_id == {}


def test_a_reply_in_a_link_goes_where_it_belongs(ann: Person, bob: Person, cat: Person) -> None:
    reply = bob.reply(ann.invite().code)
    new_tab = cat

    assert only(effects.OfferCodeToTabs, new_tab.do(events.OpenCodeLink(reply.code))).text == reply.code


def test_a_link_with_a_damaged_code_says_so(ann: Person, bob: Person) -> None:
    bob.do(events.OpenCodeLink(ann.invite().code[:-5]))

    assert bob.node.introductions.inbox.problem is CodeProblem.CUT_SHORT


# Two tabs of one browser.


def test_a_reply_pasted_into_the_wrong_tab_reaches_the_right_one(ann: Person, bob: Person, cat: Person) -> None:
    invite = ann.invite()
    reply = bob.reply(invite.code)
    other_tab = cat
    offered = only(effects.OfferCodeToTabs, other_tab.paste(f"Here it is: {reply.code}"))

    emitted = ann.do(events.CodeFromTab(offered.text))
    assert only(effects.AcceptAnswer, emitted).link == invite.id

    other_tab.do(events.CodeTakenByTab(only(effects.TellTabsCodeTaken, emitted).text))
    other_tab.wait(TABS_PATIENCE)
    assert other_tab.node.introductions.inbox.handed_over
    assert other_tab.node.introductions.inbox.problem is None


def test_a_tab_that_has_no_use_for_a_code_keeps_quiet(ann: Person, bob: Person, cat: Person) -> None:
    reply = bob.reply(ann.invite().code)
    cat.invite()

    for text in (reply.code, ann.invite().code, "hello", ""):
        assert cat.do(events.CodeFromTab(text)) == []
    assert bob.do(events.CodeFromTab(reply.code)) == []
    assert cat.node.introductions.inbox.problem is None


def test_news_of_another_code_does_not_settle_this_one(ann: Person, bob: Person, cat: Person) -> None:
    reply, other = bob.reply(ann.invite().code), bob.reply(ann.invite().code)
    cat.paste(reply.code)
    cat.do(events.CodeTakenByTab(other.code))
    cat.wait(TABS_PATIENCE)

    assert not cat.node.introductions.inbox.handed_over
    assert cat.node.introductions.inbox.problem is CodeProblem.NO_INVITE_WAITING


def test_a_new_paste_ends_the_wait_for_the_tabs(ann: Person, bob: Person, cat: Person) -> None:
    cat.paste(bob.reply(ann.invite().code).code)
    cat.paste(ann.invite().code)
    cat.wait(TABS_PATIENCE)

    assert cat.node.introductions.inbox.problem is None
    assert not cat.node.introductions.inbox.handed_over


# Messages.


def test_a_message_reaches_the_other(pair: Pair) -> None:
    pair.ann.now = START + 1
    pair.ann.write(pair.ann_chat, "Hello, Bob")
    pair.carry()

    assert texts(pair.bob_chat) == ["Hello, Bob"]
    assert pair.bob_chat.timeline[0].author == pair.ann_chat.own_log
    assert pair.bob_chat.timeline[0].entry.at == int((START + 1) * 1000)


def test_both_can_write_at_once(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "from Ann")
    pair.bob.write(pair.bob_chat, "from Bob")
    pair.carry()

    assert sorted(texts(pair.ann_chat)) == sorted(texts(pair.bob_chat)) == ["from Ann", "from Bob"]


def test_a_burst_of_messages_becomes_one_frame_and_one_acknowledgement(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, *(f"message {number}" for number in range(100)))
    [entries] = pair.ann.says()
    assert isinstance(entries, wire.Entries)
    pair.bob.hears(pair.bob_link, entries)

    assert pair.bob.says() == [wire.Have({pair.ann_chat.own_log: 100})]


def test_what_is_typed_before_the_link_opens_goes_out_when_it_does_in_order(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    ann.write(ann.chat_of(pair.ann_link), "one", "two")
    bob.write(bob.chat_of(pair.bob_link), "three")
    assert ann.sent == bob.sent == []
    pair.open_channel()

    assert written_by(ann, pair.bob_chat) == ["one", "two"]
    assert written_by(bob, pair.ann_chat) == ["three"]


def test_a_message_waits_then_is_sent_then_delivered(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    ann.write(ann.chat_of(pair.ann_link), "one")
    assert deliveries(ann.chat_of(pair.ann_link)) == [Delivery.WAITING]

    pair.open_channel()
    ann.write(pair.ann_chat, "two")
    assert deliveries(pair.ann_chat) == [Delivery.DELIVERED, Delivery.SENT]

    pair.carry()
    assert deliveries(pair.ann_chat) == [Delivery.DELIVERED, Delivery.DELIVERED]


def test_a_message_is_not_delivered_before_the_peer_has_said_so(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "one", "two")
    pair.bob.hears(pair.bob_link, *(frame for frame in pair.ann.says() if isinstance(frame, wire.Entries)))
    assert deliveries(pair.ann_chat) == [Delivery.SENT, Delivery.SENT]

    pair.ann.hears(pair.ann_link, wire.Have({pair.ann_chat.own_log: 1}))
    assert deliveries(pair.ann_chat) == [Delivery.DELIVERED, Delivery.SENT]


def test_what_was_sent_over_a_link_that_is_lost_waits_again(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "one")
    pair.ann.do(events.IceStateChanged(pair.ann_link.id, events.IceState.DISCONNECTED))

    assert deliveries(pair.ann_chat) == [Delivery.WAITING]


def test_what_was_sent_over_a_link_that_has_closed_waits_again(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "one")
    pair.kill()

    assert deliveries(pair.ann_chat) == [Delivery.WAITING]


def test_a_flood_of_messages_does_not_pile_up_in_the_channel(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, *["x" * 8_000] * 300)

    assert sum(len(frame.data) for frame in pair.ann.sent) <= WINDOW + wire.MAX_FRAME
    pair.carry()
    assert len(texts(pair.bob_chat)) == pair.ann_chat.acknowledged == 300


@pytest.mark.parametrize("text", ["[[[[", "{{{{", "[ [ [ [", '"\\', "\x00\x1f", "ü😀", "\u2028"])
def test_any_text_reaches_the_other_as_it_is(pair: Pair, text: str) -> None:
    pair.ann.write(pair.ann_chat, text)
    pair.carry()

    assert texts(pair.bob_chat) == [text]
    assert deliveries(pair.ann_chat) == [Delivery.DELIVERED]


def test_half_a_character_is_replaced_before_anybody_sees_it(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "half \ud83d")
    pair.carry()

    assert texts(pair.ann_chat) == texts(pair.bob_chat) == ["half \ufffd"]


@pytest.mark.parametrize("text", ["", "x" * 8_001])
def test_whoever_hands_over_a_message_has_measured_it(pair: Pair, text: str) -> None:
    with pytest.raises(LocalError):
        pair.ann.write(pair.ann_chat, text)


def test_a_message_in_no_conversation_goes_nowhere(pair: Pair) -> None:
    assert pair.ann.do(events.WriteMessage("no-conversation", "hello")) == []


# A conversation is carried on over another link.


def test_a_conversation_is_carried_on_with_nothing_missing_and_no_doubles(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write(pair.ann_chat, "one")
    bob.write(pair.bob_chat, "two")
    pair.carry()
    ann.write(pair.ann_chat, "three: on its way when the link ends")
    pair.kill()
    ann.write(pair.ann_chat, "four")
    bob.write(pair.bob_chat, "five")

    again = connect(ann, bob, pair.ann_chat.id)

    assert sorted(texts(again.ann_chat)) == sorted(texts(again.bob_chat))
    assert written_by(ann, again.bob_chat) == ["one", "three: on its way when the link ends", "four"]
    assert written_by(bob, again.ann_chat) == ["two", "five"]
    assert set(deliveries(again.ann_chat)) == set(deliveries(again.bob_chat)) == {Delivery.DELIVERED}
    assert len(ann.chats) == len(bob.chats) == 1


def test_the_other_one_can_invite_to_carry_on(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write(pair.ann_chat, "one")
    pair.kill()
    bob_chat = pair.bob_chat
    connect(bob, ann, bob_chat.id)

    assert texts(bob_chat) == ["one"]
    assert len(ann.chats) == len(bob.chats) == 1


def test_old_friends_find_their_conversation_again_although_both_began_a_new_one(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write(pair.ann_chat, "one")
    pair.kill()
    before = pair.ann_chat
    again = exchange(ann, bob)
    ann.write(ann.chat_of(again.ann_link), "two: typed while waiting")
    again.open_channel()

    assert texts(again.bob_chat) == ["one", "two: typed while waiting"]
    assert ann.chats == [again.ann_chat] == [before]


def test_what_is_written_into_a_conversation_that_was_just_joined_to_another_is_not_lost(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    pair.kill()
    again = exchange(ann, bob)
    waiting = ann.chat_of(again.ann_link)
    again.open_channel()
    ann.write(waiting, "typed at that very moment")
    again.carry()

    assert texts(again.bob_chat) == ["typed at that very moment"]
    assert ann.node.chats.get(waiting.id) is again.ann_chat


def test_what_the_peer_has_is_not_sent_anew(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    ann.write(pair.ann_chat, "one", "two")
    pair.carry()
    pair.kill()
    ann.write(pair.ann_chat, "three")

    again = exchange(ann, bob, pair.ann_chat.id)
    for someone, link in ((ann, again.ann_link), (bob, again.bob_link)):
        someone.do(events.ChannelOpened(link.id))
    sent: list[wire.Frame] = []
    while ann.sent or bob.sent:
        frames = ann.says()
        sent += frames
        bob.do(*(events.FrameReceived(again.bob_link.id, encoded(frame)) for frame in frames))
        ann.do(*(events.FrameReceived(again.ann_link.id, encoded(frame)) for frame in bob.says()))

    assert [(frame.first, len(frame.entries)) for frame in sent if isinstance(frame, wire.Entries)] == [(3, 1)]


def encoded(frame: wire.Frame) -> str:
    assert not isinstance(frame, wire.Unknown)
    return wire.encode(frame)


def test_a_long_conversation_can_be_carried_on(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    for _ in range(3):
        ann.write(pair.ann_chat, *["x" * 8_000] * 100)
        pair.carry()
    pair.kill()
    ann.write(pair.ann_chat, "the end")
    again = connect(ann, bob, pair.ann_chat.id)

    assert again.bob_chat.timeline[-1].entry.text == "the end"
    assert again.ann_chat.undelivered == 0


def test_an_invite_in_a_conversation_ends_the_link_before_it(pair: Pair) -> None:
    before = pair.ann_link
    pair.ann.invite(pair.ann_chat.id)
    assert before.close_reason is CloseReason.REPLACED

    pair.carry()
    assert pair.bob_link.close_reason is CloseReason.PEER_LEFT


def test_a_friend_who_comes_again_while_the_old_link_still_seems_open_replaces_it(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob
    again = connect(ann, bob)
    ann.write(again.ann_chat, "over the new link")
    again.carry()

    assert pair.ann_link.close_reason is pair.bob_link.close_reason is CloseReason.REPLACED
    assert texts(again.bob_chat) == ["over the new link"]


# What was written to one never reaches another.


def test_somebody_else_who_takes_the_invite_gets_nothing_of_the_conversation(pair: Pair, cat: Person) -> None:
    ann = pair.ann
    ann.write(pair.ann_chat, "for Bob")
    pair.kill()
    ann.write(pair.ann_chat, "for Bob too")
    old = pair.ann_chat
    with_cat = connect(ann, cat, old.id)

    assert texts(with_cat.bob_chat) == []
    assert with_cat.ann_chat is not old
    assert texts(old) == ["for Bob", "for Bob too"]
    assert ann.node.links.of(old) is None


def test_a_handshake_tells_nothing_of_those_spoken_to_before(pair: Pair, cat: Person) -> None:
    ann = pair.ann
    pair.bob.write(pair.bob_chat, "for Ann")
    pair.carry()
    pair.kill()
    logs = pair.ann_chat.own_log, pair.bob_chat.own_log
    with_cat = connect(ann, cat, pair.ann_chat.id)
    ann.write(with_cat.ann_chat, "for Cat")

    assert ann.sent
    assert not [frame.data for frame in ann.sent for log in logs if log in frame.data]
    assert with_cat.ann_chat.own_log not in logs


def test_afterwards_the_first_one_still_gets_what_was_written_to_them(pair: Pair, cat: Person) -> None:
    ann, bob = pair.ann, pair.bob
    pair.kill()
    ann.write(pair.ann_chat, "for Bob")
    old = pair.ann_chat
    connect(ann, cat, old.id)
    again = connect(ann, bob, old.id)

    assert texts(again.bob_chat) == ["for Bob"]
    assert again.ann_chat is old


def test_somebody_else_whom_we_know_is_spoken_with_in_their_own_conversation(pair: Pair, cat: Person) -> None:
    ann = pair.ann
    before = connect(ann, cat)
    cat_chat = before.ann_chat
    ann.write(cat_chat, "one")
    before.carry()
    pair.kill()
    with_cat = connect(ann, cat, pair.ann_chat.id)
    ann.write(cat_chat, "two")
    with_cat.carry()

    assert with_cat.ann_chat is cat_chat
    assert texts(with_cat.bob_chat) == ["one", "two"]


def test_two_conversations_stay_apart(pair: Pair, cat: Person) -> None:
    ann = pair.ann
    with_cat = connect(ann, cat)
    ann.write(pair.ann_chat, "for Bob")
    ann.write(with_cat.ann_chat, "for Cat")
    pair.carry()
    with_cat.carry()

    assert texts(pair.bob_chat) == ["for Bob"]
    assert texts(with_cat.bob_chat) == ["for Cat"]


# A peer that does not keep to the protocol.


def assert_only_this_link_ended(pair: Pair, other: Pair, ending: CloseReason) -> None:
    assert (pair.ann_link.phase, pair.ann_link.close_reason) == (LinkPhase.CLOSED, ending)
    other.ann.write(other.ann_chat, "still here")
    other.carry()
    assert texts(other.bob_chat)[-1] == "still here"


KEY = b"k" * 32


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        pytest.param("hello", id="no frame"),
        pytest.param("[1," * 20_000, id="deep nesting"),
        pytest.param('["have",{"%(ann)s":true}]', id="a malformed frame"),
        pytest.param(wire.encode(wire.Hello((1,), (KEY, KEY))), id="a second greeting"),
        pytest.param(wire.encode(wire.Reveal(KEY, KEY, KEY + KEY)), id="a second handshake"),
        pytest.param(wire.encode(wire.Proof(KEY + KEY)), id="a second proof"),
        pytest.param('["introduce","%(ann)s","Bob"]', id="a card with our own log"),
        pytest.param('["entries","cat-of-the-tests",1,[[1,"text"]]]', id="somebody else's entries"),
        pytest.param('["entries","%(ann)s",1,[[1,"text"]]]', id="our own entries"),
        pytest.param('["have",{"%(ann)s":2}]', id="an acknowledgement of what was never sent"),
    ],
)
def test_a_peer_that_breaks_the_protocol_loses_its_link_and_nobody_else_does(
    pair: Pair, cat: Person, data: str
) -> None:
    with_cat = connect(pair.ann, cat)
    pair.ann.write(pair.ann_chat, "one")
    logs = {"ann": pair.ann_chat.own_log, "bob": pair.bob_chat.own_log}
    pair.ann.hears(pair.ann_link, data.replace("%(ann)s", logs["ann"]).replace("%(bob)s", logs["bob"]))

    assert_only_this_link_ended(pair, with_cat, CloseReason.BROKE_PROTOCOL)
    assert pair.ann_link.detail


@pytest.mark.parametrize(
    "data",
    ['["have",{}]', '["entries","bob-of-the-tests",1,[[1,"text"]]]', '["introduce","bob-of-the-tests","Bob"]'],
)
def test_a_peer_that_does_not_prove_who_it_is_first_loses_its_link(ann: Person, bob: Person, data: str) -> None:
    for someone, link in _both(exchange(ann, bob)):
        someone.do(events.ChannelOpened(link.id))
        someone.hears(link, data)

        assert link.close_reason is CloseReason.BROKE_PROTOCOL


@pytest.mark.parametrize(
    "frame", [wire.Reveal(bytes(32), bytes(32), bytes(64)), wire.Proof(bytes(64))], ids=["reveal", "proof"]
)
def test_a_peer_that_speaks_before_the_channel_is_open_loses_its_link(
    ann: Person, bob: Person, frame: wire.OwnFrame
) -> None:
    for someone, link in _both(exchange(ann, bob)):
        someone.hears(link, frame)

        assert link.close_reason is CloseReason.BROKE_PROTOCOL


def _both(pair: Pair) -> tuple[tuple[Person, Link], tuple[Person, Link]]:
    return (pair.ann, pair.ann_link), (pair.bob, pair.bob_link)


def test_a_peer_that_claims_at_first_to_have_what_was_never_written_loses_its_link(ann: Person, bob: Person) -> None:
    before = connect(ann, bob)
    before.kill()
    ann.write(before.ann_chat, "one")
    before.bob_chat.logs.start_after(Counts({before.ann_chat.own_log: 2}, are_all=True))
    pair = exchange(ann, bob, before.ann_chat.id)
    pair.open_channel()

    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL
    assert pair.ann_chat.acknowledged == 0


def test_a_peer_that_floods_loses_its_link_when_the_driver_says_so(pair: Pair) -> None:
    pair.ann.do(events.PeerFlooded(pair.ann_link.id))

    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL


def test_a_channel_that_opens_before_its_connection_is_described_is_a_fault_of_our_own(ann: Person) -> None:
    link = ann.begin_invite()
    ann.do(events.ChannelOpened(link))

    assert ann.node.links.by_id[link].close_reason is CloseReason.FAILED_HERE


def test_what_is_not_there_cannot_be_removed(pair: Pair) -> None:
    assert pair.ann.do(events.RemoveConversation("no-conversation")) == []


def test_a_turn_server_from_which_a_candidate_came_is_not_silent(ann: Person) -> None:
    link = ann.invite()
    server = IceServer("turn:turn.example.org", "ann", "secret")
    link.ice = IceConfig((server,))
    assert link.silent_servers == [server.url]
    link.trickled.add(CandidateKind.RELAYED)

    assert link.silent_servers == []


def test_a_peer_that_begins_logs_without_end_loses_its_link(pair: Pair) -> None:
    """Each of them is remembered, with or without a word in it."""
    for number in range(RENAME_BURST):
        assert pair.ann_link.phase is LinkPhase.OPEN
        pair.ann.hears(pair.ann_link, wire.Introduce(f"another-log-of-mine-{number}", "Bob"))
    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL


@pytest.mark.slow
def test_a_peer_that_renames_itself_without_end_loses_its_link(pair: Pair) -> None:
    def rename(name: str) -> None:
        pair.ann.hears(pair.ann_link, wire.Introduce(pair.bob_chat.own_log, name))

    for number in range(1_000):
        rename("Bob" if number % 100 else "Rob")  # the same one again and again is none
    assert pair.ann_link.phase is LinkPhase.OPEN
    for number in range(RENAME_BURST):
        pair.ann.wait(RENAME_INTERVAL)
        rename(f"now {number}")
    assert pair.ann_link.phase is LinkPhase.OPEN
    for number in range(RENAME_BURST + 1):
        rename(f"Bob {number}")
    assert pair.ann_link.close_reason is CloseReason.BROKE_PROTOCOL


def test_the_peer_that_broke_the_protocol_is_told_and_the_connection_closed_a_little_later(pair: Pair) -> None:
    emitted = pair.ann.hears(pair.ann_link, "hello")
    assert pair.ann.says() == [wire.Bye()]
    assert of(effects.CloseConnection, emitted) == []

    assert only(effects.CloseConnection, pair.ann.wait(CLOSE_DELAY)).link == pair.ann_link.id


def test_what_follows_a_broken_frame_in_the_same_turn_is_not_read(pair: Pair) -> None:
    pair.ann.hears(pair.ann_link, "hello", wire.Entries(pair.bob_chat.own_log, 1, [Entry(1, "text")]))

    assert texts(pair.ann_chat) == []


def test_frames_of_kinds_yet_unknown_are_passed_over(pair: Pair) -> None:
    emitted = pair.ann.hears(pair.ann_link, '["typing",true]', '["reaction",{"to":1}]')

    assert emitted == []
    assert pair.ann_link.phase is LinkPhase.OPEN


def test_doubles_are_passed_over_and_acknowledged(pair: Pair) -> None:
    bob = pair.bob_chat.own_log
    entries = wire.Entries(bob, 1, [Entry(1, "one"), Entry(2, "two")])
    pair.ann.hears(pair.ann_link, entries)
    pair.ann.wait(ACKNOWLEDGE_INTERVAL)
    pair.ann.says()
    pair.ann.hears(pair.ann_link, entries)
    pair.ann.wait(ACKNOWLEDGE_INTERVAL)

    assert texts(pair.ann_chat) == ["one", "two"]
    assert pair.ann.says() == [wire.Have({bob: 2})]


def test_after_a_pause_a_message_is_acknowledged_at_once_and_lively_ones_now_and_then(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob_chat.own_log
    ann.wait(1.0)
    said = []
    for number in range(1, 6):
        ann.hears(pair.ann_link, wire.Entries(bob, number, [Entry(1, "quick")]))
        said.append(ann.says())
        ann.wait(ACKNOWLEDGE_INTERVAL / 10)
    ann.wait(ACKNOWLEDGE_INTERVAL)

    assert said == [[wire.Have({bob: 1})], [], [], [], []]
    assert ann.says() == [wire.Have({bob: 5})]
    assert ann.node.next_deadline() is None


def test_who_hears_much_acknowledges_it_without_waiting(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob_chat.own_log
    ann.hears(pair.ann_link, wire.Entries(bob, 1, [Entry(1, "x" * 8_000)]))
    ann.says()
    ann.hears(pair.ann_link, wire.Entries(bob, 2, [Entry(1, "x" * 8_000)]))
    assert ann.says() == []
    ann.hears(pair.ann_link, wire.Entries(bob, 3, [Entry(1, "x" * 8_000), Entry(1, "x" * 800)]))

    assert ann.says() == [wire.Have({bob: 4})]


def test_an_acknowledgement_waits_while_there_is_no_path(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob_chat.own_log
    ann.hears(pair.ann_link, wire.Entries(bob, 1, [Entry(1, "one")]))
    ann.says()
    ann.hears(pair.ann_link, wire.Entries(bob, 2, [Entry(1, "two")]))
    pair.break_path()
    ann.wait(1.0)
    assert ann.says() == []
    ann.do(events.IceStateChanged(pair.ann_link.id, events.IceState.CONNECTED))

    assert ann.says() == [wire.Have({bob: 2})]


def test_whoever_leaves_acknowledges_first_what_has_come(pair: Pair) -> None:
    ann, bob = pair.ann, pair.bob_chat.own_log
    ann.hears(pair.ann_link, wire.Entries(bob, 1, [Entry(1, "one")]))
    ann.says()
    ann.hears(pair.ann_link, wire.Entries(bob, 2, [Entry(1, "two")]))
    ann.do(events.LeaveConversation(pair.ann_chat.id))

    assert ann.says() == [wire.Have({bob: 2}), wire.Bye()]


def test_a_peer_of_another_version_cannot_be_spoken_with(ann: Person, bob: Person) -> None:
    for someone, link in _both(exchange(ann, bob)):
        someone.do(events.ChannelOpened(link.id))
        someone.says()
        emitted = someone.hears(link, '["hello",[2,3],{"in":"another form"}]')

        assert link.close_reason is CloseReason.OTHER_VERSION
        assert not isinstance(someone.chat_of(link), Conversation)
        assert of(effects.CloseConnection, emitted) == []
        assert only(effects.CloseConnection, someone.wait(CLOSE_DELAY)).link == link.id
        if someone is bob:  # the inviter has said which versions it speaks, the replier does so now
            assert someone.says() == [wire.Hello(wire.VERSIONS)]


def test_a_peer_that_also_speaks_our_version_is_welcome(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    ann.do(events.ChannelOpened(pair.ann_link.id))
    ann.says()
    emitted = ann.hears(pair.ann_link, wire.Hello((2, 1), (bob.node.key, KEY)))

    assert pair.ann_link.phase is not LinkPhase.CLOSED, emitted
    assert isinstance(ann.says()[0], wire.Reveal)


def test_two_tabs_of_one_person_can_chat(ann: Person) -> None:
    pair = connect(ann, person("ann"))
    pair.ann.write(pair.ann_chat, "one")
    pair.carry()

    assert texts(pair.bob_chat) == ["one"]
    assert list(ann.node.people.contacts) == []


# How a link ends.


def test_whoever_leaves_says_goodbye_and_closes_a_little_later(pair: Pair) -> None:
    pair.ann.do(events.LeaveConversation(pair.ann_chat.id))
    assert pair.ann_link.close_reason is CloseReason.LEFT
    assert pair.ann.sent == [effects.SendFrame(pair.ann_link.id, '["bye"]')]

    pair.carry()
    assert pair.bob_link.close_reason is CloseReason.PEER_LEFT
    assert only(effects.CloseConnection, pair.ann.wait(CLOSE_DELAY)).link == pair.ann_link.id


def test_whoever_was_left_closes_at_once(pair: Pair) -> None:
    emitted = pair.bob.hears(pair.bob_link, wire.Bye())

    assert only(effects.CloseConnection, emitted).link == pair.bob_link.id


def test_a_conversation_that_was_left_stays_to_be_read(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "one")
    pair.ann.do(events.LeaveConversation(pair.ann_chat.id))

    assert texts(pair.ann_chat) == ["one"]
    assert pair.ann_chat in pair.ann.chats


def test_an_invite_that_is_given_up_leaves_nothing_behind(ann: Person) -> None:
    invite = ann.invite()
    emitted = ann.do(events.LeaveConversation(ann.chat_of(invite).id))

    assert only(effects.CloseConnection, emitted).link == invite.id
    assert ann.chats == []
    assert ann.node.next_deadline() is None


def test_an_invite_into_which_something_was_written_leaves_that_behind(ann: Person) -> None:
    invite = ann.invite()
    chat = ann.chat_of(invite)
    ann.write(chat, "one")
    ann.do(events.LeaveConversation(chat.id))

    assert ann.chats == [chat]
    assert texts(chat) == ["one"]


def test_leaving_twice_is_leaving_once(pair: Pair) -> None:
    pair.ann.do(events.LeaveConversation(pair.ann_chat.id))
    pair.ann.says()

    assert pair.ann.do(events.LeaveConversation(pair.ann_chat.id)) == []


def test_leaving_what_does_not_exist_does_nothing(ann: Person) -> None:
    assert ann.do(events.LeaveConversation("no-conversation")) == []


def test_a_page_that_closes_says_goodbye_to_all(pair: Pair, cat: Person) -> None:
    with_cat = connect(pair.ann, cat)
    pair.ann.invite()
    pair.ann.do(events.Shutdown())

    assert pair.ann.sent == [effects.SendFrame(link.id, '["bye"]') for link in (pair.ann_link, with_cat.ann_link)]


def test_a_channel_that_closes_ends_the_link(pair: Pair) -> None:
    emitted = pair.ann.do(events.ChannelClosed(pair.ann_link.id))

    assert pair.ann_link.close_reason is CloseReason.CHANNEL_CLOSED
    assert only(effects.CloseConnection, emitted).link == pair.ann_link.id


def test_late_news_of_a_closed_link_changes_nothing(pair: Pair) -> None:
    link = pair.ann_link
    pair.ann.do(events.ChannelClosed(link.id))
    late: list[events.Event] = [
        pair.ann.described(link.id, DescriptionKind.OFFER, samples.HOST),
        events.CandidateFound(link.id, samples.HOST),
        events.GatheringFinished(link.id),
        events.IceStateChanged(link.id, events.IceState.CONNECTED),
        events.ConnectionStateChanged(link.id, events.ConnectionState.CONNECTED),
        events.ChannelOpened(link.id),
        events.FrameReceived(link.id, "hello"),
        events.StatsRead(link.id, Stats()),
        events.OperationFailed(link.id, events.Operation.SEND, "late"),
        events.ChannelClosed(link.id),
    ]

    assert pair.ann.do(*late) == []
    assert (link.phase, link.close_reason) == (LinkPhase.CLOSED, CloseReason.CHANNEL_CLOSED)


def test_news_of_a_link_that_is_gone_changes_nothing(ann: Person) -> None:
    invite = ann.invite()
    ann.do(events.LeaveConversation(ann.chat_of(invite).id))

    assert ann.do(events.ChannelOpened(invite.id), events.FrameReceived(invite.id, "hello")) == []


# Patience.


def test_a_path_that_is_not_found_in_time_ends_the_link(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    ann.wait(TIMEOUTS[LinkPhase.CONNECTING][0] - 0.1)
    assert pair.ann_link.phase is LinkPhase.CONNECTING

    ann.wait(0.1)
    assert (pair.ann_link.close_reason, pair.ann_link.failed_in) == (CloseReason.NO_PATH, LinkPhase.CONNECTING)


@pytest.mark.parametrize(
    ("step", "ending"),
    [("path", CloseReason.NOT_SECURED), ("encryption", CloseReason.NOT_SECURED), ("channel", CloseReason.NO_GREETING)],
)
def test_an_encryption_or_a_greeting_that_does_not_come_in_time_ends_the_link(
    ann: Person, bob: Person, step: str, ending: CloseReason
) -> None:
    pair = exchange(ann, bob)
    link = pair.ann_link.id
    batch: dict[str, events.Event] = {
        "path": events.IceStateChanged(link, events.IceState.CONNECTED),
        "encryption": events.ConnectionStateChanged(link, events.ConnectionState.CONNECTED),
        "channel": events.ChannelOpened(link),
    }
    ann.do(batch[step])
    ann.wait(TIMEOUTS[LinkPhase.SECURING][0])

    assert pair.ann_link.close_reason is ending


def test_a_reply_waits_as_long_as_people_take(ann: Person, bob: Person) -> None:
    reply = bob.reply(ann.invite().code)
    bob.wait(100_000)

    assert reply.phase is LinkPhase.SIGNALING
    assert bob.node.next_deadline() is None


def test_an_invite_waits_as_long_as_people_take(ann: Person, bob: Person) -> None:
    invite = ann.invite()
    ann.wait(100_000)
    ann.paste(bob.reply(invite.code).code)

    assert invite.phase is LinkPhase.CONNECTING


@pytest.mark.parametrize("state", [events.IceState.FAILED, events.IceState.DISCONNECTED])
def test_ice_that_gives_up_before_the_reply_is_pasted_does_not_end_the_link(
    ann: Person, bob: Person, state: events.IceState
) -> None:
    reply = bob.reply(ann.invite().code)
    bob.do(
        events.IceStateChanged(reply.id, events.IceState.CHECKING),
        events.IceStateChanged(reply.id, state),
        events.ConnectionStateChanged(reply.id, events.ConnectionState.FAILED),
    )

    assert reply.phase is LinkPhase.SIGNALING


def test_a_connection_that_failed_and_comes_back_in_time_is_as_good_as_any(ann: Person, bob: Person) -> None:
    pair = exchange(ann, bob)
    ann.do(
        events.IceStateChanged(pair.ann_link.id, events.IceState.FAILED),
        events.ConnectionStateChanged(pair.ann_link.id, events.ConnectionState.FAILED),
    )
    pair.open_channel()

    assert pair.ann_link.phase is LinkPhase.OPEN


def test_a_path_that_is_lost_and_found_again_carries_on_where_it_was(pair: Pair) -> None:
    pair.ann.write(pair.ann_chat, "before")
    pair.break_path()
    pair.ann.write(pair.ann_chat, "meanwhile")
    assert pair.ann_link.phase is pair.bob_link.phase is LinkPhase.LOST
    assert all("meanwhile" not in frame.data for frame in pair.ann.sent)

    for someone, link in ((pair.ann, pair.ann_link), (pair.bob, pair.bob_link)):
        someone.do(events.IceStateChanged(link.id, events.IceState.CONNECTED))
    pair.carry()
    assert texts(pair.bob_chat) == ["before", "meanwhile"]
    assert deliveries(pair.ann_chat) == [Delivery.DELIVERED] * 2


@pytest.mark.parametrize("sign", ["ice", "connection", "frame"])
def test_any_sign_of_life_finds_the_path_again(pair: Pair, sign: str) -> None:
    pair.break_path()
    link = pair.ann_link.id
    batch: dict[str, events.Event] = {
        "ice": events.IceStateChanged(link, events.IceState.COMPLETED),
        "connection": events.ConnectionStateChanged(link, events.ConnectionState.CONNECTED),
        "frame": events.FrameReceived(link, '["typing"]'),
    }
    pair.ann.do(batch[sign])

    assert pair.ann_link.phase is LinkPhase.OPEN


def test_a_path_that_stays_lost_ends_the_link(pair: Pair) -> None:
    pair.break_path()
    pair.ann.wait(TIMEOUTS[LinkPhase.LOST][0])

    assert pair.ann_link.close_reason is CloseReason.PATH_LOST


def test_what_is_due_comes_none_the_later_for_a_clock_that_is_set_back(pair: Pair) -> None:
    pair.break_path()
    due = pair.ann.node.next_deadline()
    assert due is not None
    before = pair.ann.now
    pair.ann.now = before - 3_600
    pair.ann.write(pair.ann_chat, "one")

    assert pair.ann.node.next_deadline() == pytest.approx(due - 3_600)
    assert pair.ann_chat.timeline[0].entry.at == int((before - 3_600) * 1000)
    assert pair.ann_link.phase is LinkPhase.LOST
    pair.ann.wait(TIMEOUTS[LinkPhase.LOST][0])
    assert pair.ann_link.close_reason is CloseReason.PATH_LOST


def test_a_node_that_has_nothing_to_wait_for_says_so(pair: Pair) -> None:
    assert pair.ann.node.next_deadline() is None
    assert pair.ann.do() == []


def test_what_is_done_is_not_due_again(pair: Pair) -> None:
    pair.ann.do(events.LeaveConversation(pair.ann_chat.id))
    pair.ann.wait(CLOSE_DELAY)

    assert pair.ann.wait(1_000) == []


# The details.


def test_while_the_details_are_open_the_statistics_are_read_again_and_again(pair: Pair) -> None:
    emitted = pair.ann.do(events.WatchDetails(pair.ann_chat.id))
    assert emitted == [effects.ReadStats(pair.ann_link.id)]

    assert pair.ann.wait(3 * STATS_INTERVAL) == [effects.ReadStats(pair.ann_link.id)] * 3


def test_what_was_read_is_kept_with_the_link(pair: Pair) -> None:
    stats = Stats("host", "192.168.1.5", "host", "192.168.1.6", 0.02, 1, 2)
    pair.ann.do(events.StatsRead(pair.ann_link.id, stats))

    assert pair.ann_link.stats == stats


def test_when_the_details_are_closed_nothing_is_read(pair: Pair) -> None:
    pair.ann.do(events.WatchDetails(pair.ann_chat.id), events.WatchDetails(None))

    assert pair.ann.wait(10) == []
    assert pair.ann.node.next_deadline() is None


def test_the_details_of_a_link_that_has_ended_are_not_read(pair: Pair) -> None:
    pair.ann.do(events.WatchDetails(pair.ann_chat.id))
    pair.kill()

    assert of(effects.ReadStats, pair.ann.wait(3)) == []


def test_the_details_are_those_of_the_conversations_new_link(pair: Pair) -> None:
    pair.ann.do(events.WatchDetails(pair.ann_chat.id))
    invite = pair.ann.invite(pair.ann_chat.id)

    assert of(effects.ReadStats, pair.ann.wait(1)) == [effects.ReadStats(invite.id)]


# Firefox gives up when a reply takes long; it is nudged.


def reply_of(capabilities: Capabilities, *candidates: str) -> tuple[Person, Link]:
    """Somebody with these capabilities has replied to an invite with these candidates."""
    ann, bob = person("ann"), person("bob", capabilities=capabilities)
    link = ann.begin_invite()
    ann.do(ann.described(link, DescriptionKind.OFFER, *candidates), events.GatheringFinished(link))
    return bob, bob.reply(ann.node.links.by_id[link].code)


GIVES_UP = Capabilities(keeps_checking=False)
FAILED = events.ConnectionState.FAILED


def test_a_side_that_keeps_checking_is_not_nudged() -> None:
    bob, _ = reply_of(Capabilities(keeps_checking=True), samples.HOST)

    assert bob.wait(60) == []


def test_a_side_that_invites_is_not_nudged() -> None:
    ann = person("ann", capabilities=GIVES_UP)
    ann.invite()

    assert ann.wait(60) == []


def test_a_side_that_gives_up_is_nudged_again_and_again_with_the_peers_candidates_as_if_they_were_new() -> None:
    bob, link = reply_of(GIVES_UP, samples.HOST, samples.SERVER_REFLEXIVE)
    nudges = of(effects.AddCandidate, bob.wait(ice_keep_alive.FIRST + 2 * ice_keep_alive.INTERVAL))

    assert link.remote is not None
    assert [parse_candidate(nudge.candidate) for nudge in nudges] == list(link.remote.candidates) * 3
    assert len({nudge.candidate.split()[0] for nudge in nudges}) == 6


def test_where_all_addresses_are_hidden_one_that_never_answers_keeps_a_check_under_way() -> None:
    bob, _ = reply_of(GIVES_UP, samples.MDNS)
    nudges = of(effects.AddCandidate, bob.wait(ice_keep_alive.FIRST))

    addresses = [candidate.address for nudge in nudges if (candidate := parse_candidate(nudge.candidate))]
    assert addresses == ["94fd06c2-ae2f-447e-81ad-7d84b02c8cc0.local", "198.51.100.1"]


def test_nudging_ends_when_the_encryption_stands() -> None:
    bob, link = reply_of(GIVES_UP, samples.HOST)
    bob.wait(ice_keep_alive.FIRST)
    bob.do(events.ConnectionStateChanged(link.id, events.ConnectionState.CONNECTED))

    assert of(effects.AddCandidate, bob.wait(ice_keep_alive.INTERVAL)) == []


def test_nudging_goes_on_while_only_a_path_is_found() -> None:
    bob, link = reply_of(GIVES_UP, samples.HOST)
    bob.do(events.IceStateChanged(link.id, events.IceState.CONNECTED))

    assert of(effects.AddCandidate, bob.wait(ice_keep_alive.FIRST))


def test_nudging_ends_with_the_link() -> None:
    bob, link = reply_of(GIVES_UP, samples.HOST)
    bob.do(events.LeaveConversation(bob.chat_of(link).id))

    assert of(effects.AddCandidate, bob.wait(60)) == []


def begun_reply() -> tuple[Person, Link]:
    """Somebody who gives up has begun to reply, and gathers."""
    bob = person("bob", capabilities=GIVES_UP)
    link = bob.begin_reply(person("ann").invite().code)
    bob.do(bob.described(link, DescriptionKind.ANSWER, samples.HOST))
    return bob, bob.node.links.by_id[link]


def test_what_is_due_first_of_a_code_and_a_nudge_is_due() -> None:
    bob, link = begun_reply()
    assert bob.node.next_deadline() == bob.now + ice_keep_alive.FIRST

    bob.wait(ice_keep_alive.FIRST)
    assert link.code == ""
    assert bob.node.next_deadline() == START + gathering.PATIENCE


def test_of_a_link_that_has_ended_neither_a_code_nor_a_nudge_is_due() -> None:
    bob, link = begun_reply()
    bob.do(events.LeaveConversation(bob.chat_of(link).id))

    assert bob.node.next_deadline() is None


# Other stacks than a browser's.


def test_where_candidates_do_not_trickle_the_description_has_all_and_the_code_is_made_at_once() -> None:
    ann = person("ann", capabilities=Capabilities(trickles=False))
    link = ann.node.links.by_id[ann.begin_invite()]
    ann.do(ann.described(link.id, DescriptionKind.OFFER, samples.HOST, samples.SERVER_REFLEXIVE))

    assert len(decode(link.code).description.candidates) == 2


def test_where_candidates_do_not_trickle_and_there_are_none_the_link_ends() -> None:
    ann = person("ann", capabilities=Capabilities(trickles=False))
    link = ann.node.links.by_id[ann.begin_invite()]
    ann.do(ann.described(link.id, DescriptionKind.OFFER))

    assert link.close_reason is CloseReason.NO_ADDRESS


NEVER_RECOVERS = Capabilities(can_restart=False)


def test_a_failure_is_final_where_ice_cannot_be_restarted() -> None:
    ann, bob = person("ann", capabilities=NEVER_RECOVERS), person("bob")
    link = ann.invite()
    ann.do(events.PasteCode(bob.reply(link.code).code))
    assert link.phase is LinkPhase.CONNECTING
    ann.do(events.IceStateChanged(link.id, events.IceState.FAILED), events.ConnectionStateChanged(link.id, FAILED))

    assert link.close_reason is CloseReason.NO_PATH


@pytest.mark.parametrize(
    ("reached", "ending"),
    [
        ((), CloseReason.NO_PATH),
        ((events.IceState.CHECKING, events.IceState.COMPLETED), CloseReason.NOT_SECURED),
    ],
)
def test_what_has_failed_tells_why_it_has_ended(reached: tuple[events.IceState, ...], ending: CloseReason) -> None:
    ann, bob = person("ann", capabilities=NEVER_RECOVERS), person("bob")
    link = ann.invite()
    ann.do(events.PasteCode(bob.reply(link.code).code))
    ann.do(*(events.IceStateChanged(link.id, state) for state in reached))
    ann.do(events.ConnectionStateChanged(link.id, FAILED))

    assert link.close_reason is ending


def test_a_replier_whose_connection_has_failed_for_good_ends_too() -> None:
    bob, link = reply_of(NEVER_RECOVERS, samples.HOST)
    bob.do(events.ConnectionStateChanged(link.id, FAILED))

    assert link.close_reason is CloseReason.NO_PATH


@pytest.mark.parametrize("ice_first", [True, False])
def test_an_open_link_that_fails_for_good_has_lost_its_path(ice_first: bool) -> None:
    pair = connect(person("ann", capabilities=NEVER_RECOVERS), person("bob"))
    news = [
        events.IceStateChanged(pair.ann_link.id, events.IceState.FAILED),
        events.ConnectionStateChanged(pair.ann_link.id, FAILED),
    ]
    pair.ann.do(*(news if ice_first else reversed(news)))

    assert pair.ann_link.close_reason is CloseReason.PATH_LOST


def test_without_other_tabs_a_reply_that_is_of_no_use_is_refused_at_once() -> None:
    ann, bob = person("ann"), person("bob", tabs=False)
    reply = person("cleo").reply(ann.invite().code)
    bob.do(events.PasteCode(reply.code))

    assert bob.node.introductions.inbox.problem is CodeProblem.NO_INVITE_WAITING


def test_a_conversation_that_has_ended_can_be_put_away(pair: Pair) -> None:
    pair.ann.do(events.RemoveConversation(pair.ann_chat.id))
    assert pair.ann_chat in pair.ann.chats

    pair.ann.do(events.LeaveConversation(pair.ann_chat.id))
    pair.ann.do(events.RemoveConversation(pair.ann_chat.id))
    assert pair.ann.chats == []
    assert pair.ann.node.links.by_id == {}


def test_editing_what_is_to_be_pasted_and_a_new_invite_forget_the_last_problem(ann: Person) -> None:
    for event in (events.EditCode(), events.CreateInvite()):
        ann.do(events.PasteCode("nonsense"))
        assert ann.node.introductions.inbox.problem is CodeProblem.NOT_A_CODE
        ann.do(event)
        assert ann.node.introductions.inbox.problem is None


def test_a_link_lives_without_statistics_and_single_candidates(pair: Pair) -> None:
    for operation in (events.Operation.STATS, events.Operation.CANDIDATE):
        pair.ann.do(events.OperationFailed(pair.ann_link.id, operation, "NotAllowedError"))
    assert pair.ann_link.phase is LinkPhase.OPEN


# Without WebRTC.


@pytest.mark.parametrize(
    "asked_for", [events.CreateInvite(), events.CreateRoom("wss://relay"), events.PasteCode("text")]
)
def test_without_webrtc_whatever_would_need_it_is_refused_with_the_reason(asked_for: events.Event) -> None:
    ann = person("ann")
    ann.do(events.WebRtcMissing())
    assert ann.do(asked_for) == []
    assert ann.node.introductions.inbox.problem is CodeProblem.NO_WEBRTC
    assert not ann.chats
    ann.do(events.EditCode())
    assert ann.node.introductions.inbox.problem is None
