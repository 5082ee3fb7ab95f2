import json
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core.identity import contacts as module
from pychat.core.identity.contacts import Adopted, Contact, Contacts, clean_name, keep, merge
from pychat.core.identity.lookalike import skeleton
from pychat.core.wire import MAX_NAME, Introduce, decode, encode
from tests import blanks

ANN, BOB, CAT, EVE = (bytes([letter]) * 32 for letter in b"abce")


def contacts(*people: Contact) -> Contacts:
    return Contacts(people, skeleton=skeleton)


# Keys are pinned.


def test_somebody_met_for_the_first_time_is_known_from_then_on() -> None:
    known = contacts()
    assert known.get(BOB) is None

    assert known.meet(BOB, "Bob", 5.0) == known.get(BOB) == Contact(BOB, "Bob", False, 5.0, 1)
    assert list(known) == [Contact(BOB, "Bob", False, 5.0, 1)]


def test_somebody_met_again_may_have_another_name_and_is_the_same() -> None:
    known = contacts(Contact(BOB, "Bob", True, 5.0))

    assert known.meet(BOB, "Robert", 7.0) == Contact(BOB, "Robert", True, 7.0, 1)
    assert known.meet(BOB, "rоbert", 9.0) == Contact(BOB, "rоbert", True, 9.0, 1)  # it looks as before
    assert len(list(known)) == 1


def test_a_name_stays_when_there_is_none_any_more() -> None:
    known = contacts(Contact(BOB, "Bob"))

    assert known.meet(BOB, "\u200b", 1.0).name == "Bob"


def test_the_name_that_is_kept_is_a_clean_one() -> None:
    assert contacts().meet(BOB, " Bo\u202eb\n", 1.0).name == "Bob"


def test_somebody_can_be_verified_and_no_longer_be() -> None:
    known = contacts(Contact(BOB, "Bob", False, 5.0), Contact(CAT, "Cat", False, 5.0))
    known.judge(BOB, match=True)
    assert known.get(BOB) == Contact(BOB, "Bob", True, 5.0, verified_as="Bob", judged=1)
    assert known.get(CAT) == Contact(CAT, "Cat", False, 5.0)

    known.judge(BOB, match=False)
    assert known.get(BOB) == Contact(BOB, "Bob", False, 5.0, differs=True, judged=2)
    assert [known.is_rejected(key) for key in (BOB, CAT, EVE)] == [True, False, False]


def test_who_says_that_a_comparison_has_failed_loses_the_badge_and_nothing_else() -> None:
    bob, cat = Contact(BOB, "Bob", True, 5.0, verified_as="Bob", judged=1), Contact(CAT, "Cat", False, 5.0)
    known = contacts(bob, cat)

    assert known.doubt(BOB) == known.get(BOB) == Contact(BOB, "Bob", False, 5.0, judged=2)
    assert known.doubt(BOB) is None  # it has none any more
    assert known.doubt(CAT) is None
    assert known.doubt(EVE) is None
    assert known.get(CAT) == cat
    assert known.get(EVE) is None


def test_somebody_without_a_name_can_be_verified_too() -> None:
    known = contacts()
    known.judge(EVE, match=True)

    assert known.get(EVE) == Contact(EVE, "", True, judged=1)


def test_a_crowd_of_strangers_pushes_out_nobody_whom_one_has_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTACTS", 3)
    known = contacts(Contact(BOB, "Bob", seen=1.0), Contact(CAT, "Cat", seen=2.0))
    assert known.talked_to(BOB) == Contact(BOB, "Bob", seen=1.0, talked=True)
    assert known.talked_to(BOB) is None
    assert known.talked_to(EVE) is None
    for number in range(10):
        known.meet(bytes([100 + number]) * 32, "Eve", 3.0 + number)

    assert [contact.key for contact in known] == [BOB, bytes([108]) * 32, bytes([109]) * 32]
    kept = keep(known.dumps(), [Contact(BOB, "Bob", seen=9.0)])
    assert Contacts.loads(kept, skeleton=str.casefold).get(BOB) == Contact(BOB, "Bob", seen=9.0, talked=True)


def test_when_there_are_too_many_the_stranger_seen_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTACTS", 3)
    known = contacts(
        Contact(ANN, "Ann", True, 1.0, judged=1), Contact(BOB, "Bob", False, 3.0), Contact(CAT, "Cat", False, 2.0)
    )
    known.meet(EVE, "Eve", 0.0)  # whoever is here now stays, whatever their clock

    assert {contact.key for contact in known} == {ANN, BOB, EVE}


def test_who_was_verified_makes_room_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTACTS", 1)
    known = contacts(Contact(ANN, "Ann", True, 1.0, judged=1))
    for number, key in enumerate((BOB, CAT, EVE)):
        known.meet(key, "", 2.0 + number)

        assert {contact.key for contact in known} == {ANN, key}


def test_a_full_list_of_verified_people_takes_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTACTS", 1)
    known = contacts(Contact(ANN, "Ann", True, 1.0, judged=1), Contact(BOB, "Bob", True, 1.0, judged=1))
    known.meet(EVE, "Eve", 2.0)

    assert {contact.key for contact in known} == {ANN, BOB, EVE}


# Names are not.


@pytest.mark.parametrize(
    "name", ["Bob", "bob", " BOB ", "Воb", "B0b", "Bo\u200bb", "Bob\u3164", "𝐁𝐨𝐛", "Bȯb", "Bøb", "Bob\ufffc"]
)
def test_whoever_comes_later_with_a_name_that_looks_the_same_may_be_taken_for_the_first(name: str) -> None:
    bob = Contact(BOB, "Bob", since=1)
    known = contacts(bob, Contact(CAT, "Cat", since=1))
    eve = known.meet(EVE, name, 2.0)

    assert known.namesake(eve) == bob
    assert known.namesake(bob) is None


def test_whoever_takes_the_name_of_somebody_later_is_the_later_one() -> None:
    known = contacts()
    known.meet(EVE, "Eve", 1.0)
    bob = known.meet(BOB, "Bob", 2.0)
    eve = known.meet(EVE, "Bob", 3.0)

    assert known.namesake(eve) == bob
    assert known.namesake(known.meet(BOB, "Bob", 4.0)) is None


def test_whoever_is_verified_is_taken_for_nobody_and_others_for_them() -> None:
    first, verified = Contact(EVE, "Bob", since=1), Contact(BOB, "Bob", True, since=2, verified_as="Bob")
    known = contacts(first, verified)

    assert known.namesake(verified) is None
    assert known.namesake(first) == verified


def test_whoever_was_verified_stays_what_they_were_verified_as_until_the_new_name_is_accepted() -> None:
    known = contacts()
    known.meet(EVE, "Eve", 1.0)
    known.judge(EVE, match=True)
    eve = known.meet(EVE, "Bob", 2.0)
    assert (eve.known_as, eve.new_name) == ("Eve", "Bob")

    eve = known.judge(EVE, match=True)  # that the pictures match says nothing of the name
    assert (eve.known_as, eve.new_name) == ("Eve", "Bob")

    eve = known.accept_name(EVE)
    assert (eve.known_as, eve.new_name) == ("Bob", "")


def test_whoever_was_verified_without_a_name_stays_without_one_too() -> None:
    known = contacts()
    known.judge(EVE, match=True)
    eve = known.meet(EVE, "Bob", 2.0)

    assert (eve.known_as, eve.new_name) == ("", "Bob")


def test_whoever_was_not_verified_goes_by_the_name_they_give_themselves() -> None:
    known = contacts(Contact(EVE, "Eve"))
    known.meet(EVE, "Bob", 2.0)
    eve = known.accept_name(EVE)

    assert (eve.known_as, eve.new_name) == ("Bob", "")


def test_the_new_name_of_somebody_verified_may_be_that_of_somebody_else() -> None:
    known = contacts()
    for number, (key, name) in enumerate(((EVE, "Eve"), (BOB, "Bob"))):
        known.meet(key, name, number)
        known.judge(key, match=True)
    eve = known.meet(EVE, "Bob", 3.0)
    bob = known.meet(BOB, "Bob", 4.0)

    assert known.namesake(eve) is None  # here they are Eve
    assert known.bearer(eve.new_name, eve) == bob
    assert known.namesake(bob) is None


def test_the_name_that_somebody_was_verified_by_stays_theirs_though_they_use_another() -> None:
    known = contacts(Contact(BOB, "Robert", True, since=3, verified_as="Bob"))
    eve = known.meet(EVE, "Bob", 4.0)

    assert known.namesake(eve) == known.get(BOB)


@pytest.mark.parametrize("name", ["", " ", "\u200b\u202e", "Rob", "Bobby"])
def test_another_name_or_none_is_no_namesake(name: str) -> None:
    known = contacts(Contact(BOB, "Bob"), Contact(CAT, ""))

    assert known.namesake(known.meet(EVE, name, 1.0)) is None


def test_of_several_namesakes_a_verified_one_counts_then_the_one_seen_last() -> None:
    verified = Contact(ANN, "Bob", True, 1.0, verified_as="Bob")
    lately, long_ago = Contact(BOB, "bob", False, 3.0), Contact(CAT, "B0b", False, 2.0)
    eve = Contact(EVE, "Bob", since=4)

    assert contacts(lately, verified, long_ago).namesake(eve) == verified
    assert contacts(long_ago, lately).namesake(eve) == lately


def test_two_names_are_compared_as_the_skeleton_says() -> None:
    bob = Contact(BOB, "Bob")
    known = Contacts([bob], skeleton=lambda name: name[:1])

    assert known.namesake(Contact(EVE, "Bill")) == bob
    assert known.namesake(Contact(EVE, "Rob")) is None


@pytest.mark.parametrize("name", ["Борис", "Вера", "Мария", "Νίκος", "Գագիկ", "Bob", "Straße"])
def test_capital_and_small_letters_look_the_same_in_every_script(name: str) -> None:
    for other in (name.upper(), name.lower(), name.title(), name.swapcase()):
        assert contacts(Contact(BOB, name)).namesake(Contact(EVE, other)) is not None


def test_every_letter_looks_like_its_capital() -> None:
    for char in map(chr, range(0x20000)):
        if unicodedata.category(char) == "Lu" and len(char.lower()) == 1:
            known = contacts(Contact(BOB, char))
            assert known.namesake(Contact(EVE, char.lower())) is not None, char


def test_whoever_renames_themselves_again_and_again_has_no_name_looked_at_twice() -> None:
    looked_at: list[str] = []

    def look(name: str) -> str:
        looked_at.append(name)
        return name

    known = Contacts([Contact(number.to_bytes(32), f"number {number}") for number in range(2_000)], skeleton=look)
    for name in ("one", "two", "one"):
        known.namesake(known.meet(EVE, name, 1.0))
    assert len(looked_at) < 2 * 2_000 + 20


# Several programs and tabs of one person keep theirs in one place.


def test_what_another_one_has_kept_meanwhile_stays() -> None:
    text = keep(None, [Contact(ANN, "Ann"), Contact(BOB, "Bob")])
    text = keep(text, [Contact(BOB, "Bob", True, judged=1), Contact(CAT, "Cat")])

    assert list(Contacts.loads(text, skeleton=skeleton)) == [
        Contact(ANN, "Ann"),
        Contact(BOB, "Bob", True, judged=1),
        Contact(CAT, "Cat"),
    ]


@pytest.mark.parametrize("match", [True, False])
def test_a_card_that_another_program_hears_leaves_the_result_of_a_comparison(match: bool) -> None:
    text = keep(None, [Contact(BOB, "Bob", not match, 1.0, 1, "" if match else "Bob", match, 1)])
    here, elsewhere = (Contacts.loads(text, skeleton=skeleton) for _ in range(2))
    text = keep(text, [here.judge(BOB, match=match)])
    text = keep(text, [elsewhere.meet(BOB, "Bobby", 2.0)])

    assert list(Contacts.loads(text, skeleton=skeleton)) == [
        Contact(BOB, "Bobby", match, 2.0, 2, "Bob" if match else "", not match, 2)
    ]


def test_of_two_comparisons_at_once_the_one_that_failed_counts() -> None:
    bob = Contact(BOB, "Bob")
    one, other = contacts(bob).judge(BOB, match=True), contacts(bob).judge(BOB, match=False)

    assert merge(one, other) == merge(other, one) == other


def test_a_new_name_counts_though_the_clock_was_set_back() -> None:
    bob = Contact(BOB, "Bob", seen=1000.0)
    renamed = contacts(bob).meet(BOB, "Bobby", 5.0)

    assert merge(renamed, bob).name == merge(bob, renamed).name == "Bobby"


def test_what_is_damaged_is_not_written_over() -> None:
    with pytest.raises(ValueError, match=r"."):
        keep("nonsense", [Contact(ANN, "Ann")])


def test_what_another_tab_has_kept_is_adopted() -> None:
    known = contacts()
    adopted = known.adopt(keep(None, [Contact(BOB, "Bob", True, judged=1)]))

    assert list(known) == [Contact(BOB, "Bob", True, judged=1)]
    assert adopted == Adopted([], [])


def test_what_another_tab_has_written_over_is_kept_again() -> None:
    known = contacts(Contact(ANN, "Ann"), Contact(BOB, "Bob", seen=2.0), Contact(CAT, "Cat"))
    adopted = known.adopt(keep(None, [Contact(BOB, "Bob", seen=1.0), Contact(CAT, "Cat")]))

    assert adopted.newer == [Contact(ANN, "Ann"), Contact(BOB, "Bob", seen=2.0)]


def test_who_has_made_room_in_a_full_list_is_not_kept_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONTACTS", 2)
    known = contacts(Contact(ANN, "Ann"))

    assert known.adopt(keep(None, [Contact(BOB, "Bob"), Contact(CAT, "Cat")])).newer == []


def test_a_comparison_that_has_failed_elsewhere_is_told_once() -> None:
    known = contacts(Contact(BOB, "Bob", True, judged=1))
    text = keep(None, [Contact(BOB, "Bob", differs=True, judged=2)])

    assert known.adopt(text).rejected == [Contact(BOB, "Bob", differs=True, judged=2)]
    assert known.adopt(text).rejected == []


# A name as it may be shown.


@pytest.mark.parametrize(
    ("hostile", "clean"),
    [
        ("Ann", "Ann"),
        ("", ""),
        (" \t\r\n\v\f\x85\u2028\u2029\u00a0\u3000 ", ""),
        ("  Ann \n\t Smith  ", "Ann Smith"),
        ("Ann\u2028Smith\u2029", "Ann Smith"),
        ("Ann\u00a0\u2003\u3000Smith", "Ann Smith"),
        ("Ann\x00\x07\x1b[31m", "Ann[31m"),
        ("Ann\x7f\x9b", "Ann"),
        ("\u202ennA\u202c", "nnA"),  # written from right to left
        ("\u2066A\u2067n\u2068n\u2069", "Ann"),
        ("A\u200bn\u200cn\u200d\u2060\ufeff\u00ad", "Ann"),
        ("Ann\U000e0061\U000e007f", "Ann"),  # tags
        ("Ann\ufe0f\ufe00\U000e0100", "Ann"),  # selectors of a variant
        ("Ann\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180b\u180e\u2800", "Ann"),  # what shows nothing
        ("\u3164", ""),
        ("Ann\ud83d", "Ann"),
        ("Ann\ue000\U000f0000", "Ann"),  # private use: each font shows something else
        ("Ann\uffff\U000e0fff", "Ann"),  # nothing at all, or not yet
        ("A\u0308nn", "Änn"),
        ("An\ufffcn", "Ann"),  # stands for an object
        ("An\U0001d159n", "Ann"),  # a notehead that is none
        ("An\U00013441n\U00016fe4\U0001107f", "Ann"),  # blanks and fillers
        ("\u0301Ann", "Ann"),  # a mark that would stand on what is before
        ("Ann \u0301\u0302Smith", "Ann Smith"),
        ("A" + "\u0316" * 30 + "nn", "A" + "\u0316" * 4 + "nn"),
        ("A\u200d\u0308nn", "Änn"),
        ("Ω", "Ω"),  # the ohm sign
        ("x" * 65, "x" * 64),
        ("x" * 63 + " y", "x" * 63),
        ("\u200b" * 1_000 + "Ann", "Ann"),
        ("😀" * 100, "😀" * 64),
        ("李小龍", "李小龍"),
        ("عائشة", "عائشة"),
    ],
)
def test_a_hostile_name_becomes_one_that_can_be_shown(hostile: str, clean: str) -> None:
    assert clean_name(hostile) == clean


def test_nothing_that_browsers_show_as_nothing_is_left_of_a_name() -> None:
    codes = list(blanks.read())
    assert len(codes) > 4_000
    left = {chr(code) for code in codes if clean_name(f"n{chr(code)}n") not in ("nn", "n n")}
    assert left == set()


@pytest.mark.slow
@given(st.text(st.characters(), max_size=100))
def test_whatever_the_name_it_is_one_line_visible_composed_and_short(text: str) -> None:
    name = clean_name(text)

    assert len(name) <= MAX_NAME
    assert name == name.strip()
    assert unicodedata.is_normalized("NFC", name)
    assert {unicodedata.category(char) for char in name}.isdisjoint({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
    assert clean_name(name) == name
    log = "log-log-log-log-log"
    assert decode(encode(Introduce(log, name))) == Introduce(log, name)


# Kept for the next time.

KEYS = st.binary(min_size=32, max_size=32)
PEOPLE = st.builds(
    Contact,
    KEYS,
    st.text(st.characters()).map(clean_name),
    st.booleans(),
    st.floats(0, 2e9, allow_nan=False),
    st.integers(0, 10**6),
    st.text(st.characters()).map(clean_name),
    st.booleans(),
    st.integers(0, 10**6),
)


@pytest.mark.slow
@given(PEOPLE, PEOPLE, PEOPLE)
def test_copies_are_merged_to_the_same_in_any_order(one: Contact, other: Contact, third: Contact) -> None:
    other, third = replace(other, key=one.key), replace(third, key=one.key)

    assert merge(one, other) == merge(other, one)
    assert merge(merge(one, other), third) == merge(one, merge(other, third))
    assert merge(one, one) == one


@pytest.mark.slow
@given(st.lists(PEOPLE, unique_by=lambda contact: contact.key))
def test_what_was_kept_is_read_again(people: list[Contact]) -> None:
    assert list(Contacts.loads(contacts(*people).dumps(), skeleton=skeleton)) == people


def test_nothing_kept_is_nobody_yet() -> None:
    assert list(Contacts.loads(None, skeleton=skeleton)) == []


def test_what_was_read_tells_namesakes() -> None:
    read = Contacts.loads(contacts(Contact(BOB, "Bob", True, 1.0)).dumps(), skeleton=skeleton)

    assert read.namesake(Contact(EVE, "B0b")) == Contact(BOB, "Bob", True, 1.0)


def damaged() -> Iterator[str]:
    key = b64encode(BOB).decode()
    yield from ("", " ", "nonsense", "null", "7", "{}", '{"a":1}', '"text"', "true", "[", "[[", "[" * 100_000)
    yield from ("[1]", "[null]", "[[]]", '["abcd"]', "[{}]")
    yield from (
        json.dumps([[key, "Bob", True, 1.0, 1, "", False, 1, 1][:length]]) for length in (1, 2, 3, 4, 5, 6, 7, 9)
    )
    yield json.dumps({key: ["Bob", True, 1.0]})
    good = [key, "Bob", True, 1.0, 1, "", False, 1]
    bad: list[list[object]] = [
        [None, 1, "", "nonsense", key[:-1], key[:-4], key + "AAAA", " " + key, b64encode(BOB[1:]).decode()],
        [None, 1, ["Bob"]],
        [None, 1, "true", "false", []],
        [None, "1", [], {}],
        [None, "1", [], {}, 1.5],
        [None, 1, ["Bob"]],
        [None, 1, "false", []],
        [None, "1", [], {}, 1.5],
    ]
    for place, values in enumerate(bad):
        for value in values:
            yield json.dumps([good, [*good[:place], value, *good[place + 1 :]]])


@pytest.mark.parametrize("text", [pytest.param(text, id=text[:40]) for text in damaged()])
def test_whoever_cannot_be_read_is_not_forgotten_in_silence(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Contacts.loads(text, skeleton=skeleton)


@pytest.mark.slow
@given(st.lists(PEOPLE, max_size=3), st.data())
def test_damaged_contacts_are_refused_or_others(people: list[Contact], data: st.DataObject) -> None:
    text = contacts(*people).dumps()
    at = data.draw(st.integers(0, len(text)))
    damaged_text = text[:at] + data.draw(st.text(max_size=3)) + text[data.draw(st.integers(at, len(text))) :]
    try:
        read = list(Contacts.loads(damaged_text, skeleton=skeleton))
    except ValueError:
        return
    assert all(len(contact.key) == 32 and type(contact.verified) is bool for contact in read)
