import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pychat.core import json_array
from pychat.core.errors import RemoteError
from pychat.core.log import MAX_RANK, MAX_TEXT, Entry
from pychat.core.wire import (
    MAX_AUTHORS,
    MAX_FRAME,
    MAX_NAME,
    MAX_NUMBER,
    MAX_RELAY,
    MAX_TIME,
    Bye,
    Entries,
    Frame,
    Have,
    Hello,
    Introduce,
    Mismatch,
    OwnFrame,
    Presence,
    Proof,
    Read,
    Rendezvous,
    Reveal,
    Unknown,
    decode,
    encode,
)

ANN = "ann-ann-ann-ann-ann"
ZEROS, ONES = bytes(32), b"\xff" * 32
ONES_TEXT = "_" * 42 + "8"  # the last character has two bits to spare, which are zero

AUTHORS = st.sampled_from([ANN, "a" * 16, "_-" * 32, "0123456789ABCDEFGHIJ"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_NAME)
NUMBERS = st.lists(st.integers(1, MAX_NUMBER), min_size=1, max_size=31).map(lambda numbers: (*numbers, 1))
BYTES_32, BYTES_64 = st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64)
RELAYS = ("", "wss://chat.example/relay", "ws://localhost:8000/relay", "wss://" + "x" * (MAX_RELAY - 6))


def an_entry(at: int, text: str, above: int) -> Entry:
    return Entry(at, text, at + above if above else 0)


FRAMES = st.one_of(
    st.builds(Hello, NUMBERS, st.lists(BYTES_32, max_size=3).map(tuple)),
    st.builds(Reveal, BYTES_32, BYTES_32, BYTES_64),
    st.builds(Proof, BYTES_64),
    st.builds(Introduce, AUTHORS, NAMES),
    st.builds(
        Entries,
        AUTHORS,
        st.integers(1, MAX_NUMBER),
        st.lists(st.builds(an_entry, st.integers(0, MAX_TIME), TEXTS, st.integers(0, MAX_TIME)), max_size=8),
    ),
    st.builds(Have, st.dictionaries(AUTHORS, st.integers(0, MAX_NUMBER), max_size=8)),
    st.builds(Rendezvous, st.binary(min_size=20, max_size=20), st.booleans(), st.sampled_from(RELAYS)),
    st.builds(Presence, st.sampled_from(["", "typing", "away", "recording"])),
    st.builds(Read, st.dictionaries(AUTHORS, st.integers(0, MAX_NUMBER), max_size=8)),
    st.builds(Mismatch),
    st.builds(Bye),
)


def refusal(data: str) -> str:
    with pytest.raises(RemoteError) as caught:
        decode(data)
    return str(caught.value)


# What is written is read.


@pytest.mark.slow
@given(FRAMES)
def test_a_frame_that_is_written_is_read_again(frame: OwnFrame) -> None:
    assert decode(encode(frame)) == frame


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (Hello((1,)), '["hello",[1]]'),
        (Hello((2, 1), (ONES,)), f'["hello",[2,1],"{ONES_TEXT}"]'),
        (Hello((1,), (ONES, ZEROS)), f'["hello",[1],"{ONES_TEXT}","{"A" * 43}"]'),
        (Reveal(ONES, ZEROS, bytes(64)), f'["reveal","{ONES_TEXT}","{"A" * 43}","{"A" * 86}"]'),
        (Proof(bytes(64)), f'["proof","{"A" * 86}"]'),
        (Introduce(ANN, "Ann Ümlaut 😀"), f'["introduce","{ANN}","Ann Ümlaut 😀"]'),
        (Introduce(ANN, ""), f'["introduce","{ANN}",""]'),
        (Have({ANN: 7}), f'["have",{{"{ANN}":7}}]'),
        (
            Entries(ANN, 3, [Entry(1_700_000_000_000, "hi"), Entry(0, "ü😀")]),
            f'["entries","{ANN}",3,[[1700000000000,"hi"],[0,"ü😀"]]]',
        ),
        (
            Entries(ANN, 3, [Entry(5, "late", 6), Entry(7, "now")]),
            f'["entries","{ANN}",3,[[5,"late",6],[7,"now"]]]',
        ),
        (Entries(ANN, 3, [Entry(5, "late", 6)]), f'["entries","{ANN}",3,[[5,"late",6]]]'),
        (
            Rendezvous(bytes(20), True, "wss://chat.example/relay"),
            f'["rendezvous","{"A" * 27}",true,"wss://chat.example/relay"]',
        ),
        (Presence("typing"), '["presence","typing"]'),
        (Read({ANN: 7}), f'["read",{{"{ANN}":7}}]'),
        (Mismatch(), '["mismatch"]'),
        (Bye(), '["bye"]'),
    ],
)
def test_a_frame_looks_on_the_wire_as_the_protocol_says(frame: OwnFrame, data: str) -> None:
    assert encode(frame) == data
    assert decode(data) == frame


def test_a_frame_may_be_written_with_spaces_and_escapes() -> None:
    data = f' [ "entries" , "{ANN}" , 1 , [ [ 5 , "\\u0068\\ud83d\\ude00" ] ] ] '

    assert decode(data) == Entries(ANN, 1, [Entry(5, "h😀")])


@pytest.mark.parametrize(
    "text", ["[[[[[[[[[[[[[[[[", "{[{[{[{[{[{[{[", ']"', '"[[[[[[[[[[', "\\", '\\"[[[[[[[[[[[[[[', "\\\\"]
)
def test_brackets_and_quotes_in_a_message_are_only_text(text: str) -> None:
    frame = Entries(ANN, 1, [Entry(1, text), Entry(2, text)])

    assert decode(encode(frame)) == frame


# Later versions may add kinds.


@pytest.mark.parametrize("data", ['["typing"]', '["typing",{"a":[1,[2,{"b":[]}]]}]', '["HELLO",[1]]', '[""]'])
def test_a_frame_of_an_unknown_kind_passes(data: str) -> None:
    assert decode(data) == Unknown(json.loads(data)[0])


LONG_NUMBERS = ("1" * 4_301, "-" + "9" * 60_000, "1" * 4_301 + ".5", "1e" + "9" * 4_301, "1" * 4_301 + "E-1")
"""CPython reads integers of 4,300 digits at most."""


@pytest.mark.parametrize("number", LONG_NUMBERS, ids=range(len(LONG_NUMBERS)))
def test_a_number_may_be_as_long_as_it_likes_where_nobody_reads_it(number: str) -> None:
    assert decode(f'["typing",{number},1]') == Unknown("typing")
    assert decode(f'["hello",[2,7],{number}]') == Hello((2, 7))


@pytest.mark.parametrize("number", LONG_NUMBERS, ids=range(len(LONG_NUMBERS)))
def test_a_long_number_that_is_read_is_out_of_range(number: str) -> None:
    for data in (
        f'["have",{{"{ANN}":{number}}}]',
        f'["entries","{ANN}",{number},[]]',
        f'["entries","{ANN}",1,[[{number},"a"]]]',
        f'["hello",[1,{number}]]',
        f'["bye",{number}]',
        f"[{number}]",
        number,
    ):
        refusal(data)


@pytest.mark.parametrize("rest", ["NaN", "01", "]", "-", "'x'"])
def test_what_stands_beside_a_long_number_must_be_json_all_the_same(rest: str) -> None:
    refusal(f'["typing",{"1" * 4_301},{rest}]')


def test_the_name_of_an_unknown_kind_is_kept_short() -> None:
    assert decode(json.dumps(["x" * 60_000])) == Unknown("x" * 32)


# Whatever is no frame is refused.


@pytest.mark.parametrize(
    "data",
    [
        "",
        " ",
        "null",
        "1",
        '"hello"',
        "{}",
        '{"0":"bye"}',
        "[]",
        "[null]",
        "[1]",
        '[["bye"]]',
        "[bye]",
        "['bye']",
        '["bye"',
        '["bye"]]',
        '["bye",]',
        '["bye"]x',
        '\ufeff["bye"]',
    ],
)
def test_what_is_no_list_that_begins_with_its_kind_is_refused(data: str) -> None:
    refusal(data)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        f'"{ONES_TEXT}",[1]',
        f'1,"{ONES_TEXT}"',
        f'"1","{ONES_TEXT}"',
        f'[],"{ONES_TEXT}"',
        f'["1"],"{ONES_TEXT}"',
        f'[0],"{ONES_TEXT}"',
        f'[1,0],"{ONES_TEXT}"',
        f'[{MAX_NUMBER + 1},1],"{ONES_TEXT}"',
        f'[true],"{ONES_TEXT}"',
        f'[1.0],"{ONES_TEXT}"',
        f'[null],"{ONES_TEXT}"',
        f'{{"1":1}},"{ONES_TEXT}"',
        f'[{",".join(["1"] * 33)}],"{ONES_TEXT}"',
        f'[1],"{ONES_TEXT}",{{}}',
        f'[1],["{ONES_TEXT}"]',
    ],
)
def test_a_malformed_hello_is_refused(arguments: str) -> None:
    refusal(f'["hello",{arguments}]')


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "1",
        '""',
        '"short"',
        f'"{ONES_TEXT[:-1]}"',  # 43 characters are 32 bytes and two bits; 42 are fewer
        f'"{ONES_TEXT}A"',
        f'"{ONES_TEXT}="',
        f'"{"_" * 43}"',  # the same bytes, with other spare bits
        f'"{"/" * 42}8"',  # the other alphabet
        f'" {ONES_TEXT[1:]}"',
        f'"{ONES_TEXT}\\n"',
        f'"{"ü" * 43}"',
        f'"{"A" * 45}"',  # no number of bytes has so many characters
        f'"{"A" * 1_000}"',
    ],
)
def test_bytes_have_one_writing_and_one_size(text: str) -> None:
    refusal(f'["hello",[1],{text}]')
    refusal(f'["hello",[1],"{ONES_TEXT}",{text}]')
    refusal(f'["reveal",{text},"{ONES_TEXT}","{"A" * 86}"]')
    refusal(f'["reveal","{ONES_TEXT}",{text},"{"A" * 86}"]')
    refusal(f'["reveal","{ONES_TEXT}","{ONES_TEXT}",{text}]')
    refusal(f'["proof",{text}]')


def test_a_signature_is_no_key_and_a_key_no_signature() -> None:
    refusal(f'["hello",[1],"{"A" * 86}"]')
    refusal(f'["reveal","{"A" * 86}","{ONES_TEXT}","{"A" * 86}"]')
    refusal(f'["reveal","{ONES_TEXT}","{ONES_TEXT}","{ONES_TEXT}"]')
    refusal(f'["proof","{ONES_TEXT}"]')


@pytest.mark.parametrize(
    "arguments", ["", f'"{ONES_TEXT}"', f'"{ONES_TEXT}","{ONES_TEXT}"', f'"{ONES_TEXT}","{ONES_TEXT}","{"A" * 86}",1']
)
def test_a_reveal_of_another_form_is_refused(arguments: str) -> None:
    refusal(f'["reveal",{arguments}]')


def test_a_proof_says_nothing_more() -> None:
    refusal('["proof"]')
    refusal(f'["proof","{"A" * 86}",1]')


def test_the_greeting_of_a_version_that_we_do_not_speak_is_read_no_further() -> None:
    greeting = decode('["hello",[2,7],{"in":["another","form"]}]')

    assert greeting == Hello((2, 7))
    assert isinstance(greeting, Hello)
    assert not greeting.understood


def test_one_version_in_common_is_enough() -> None:
    assert Hello((7, 1)).understood
    refusal('["hello",[7,1],{"in":["another","form"]}]')


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        f'"{ANN}"',
        f'"{ANN}",null',
        f'"{ANN}",1',
        f'"{ANN}",["Ann"]',
        f'"{ANN}","Ann","Ann"',
        f'"{ANN}","{"x" * (MAX_NAME + 1)}"',
        '"short","Ann"',
        f'"{"x" * 65}","Ann"',
        '"ann ann ann ann ann","Ann"',
        '"annannannannannann\\n","Ann"',
        '"änn-änn-änn-änn-änn","Ann"',
        'null,"Ann"',
    ],
)
def test_a_malformed_card_is_refused(arguments: str) -> None:
    refusal(f'["introduce",{arguments}]')


def test_the_longest_name_is_measured_in_characters() -> None:
    assert decode(encode(Introduce(ANN, "😀" * MAX_NAME))) == Introduce(ANN, "😀" * MAX_NAME)


def test_half_a_character_in_a_name_is_replaced() -> None:
    assert decode(f'["introduce","{ANN}","A\\ud83d"]') == Introduce(ANN, "A\ufffd")


@pytest.mark.parametrize(
    "arguments",
    [
        f'"{ANN}"',
        f'"{ANN}",1',
        f'"{ANN}",1,[],[]',
        '"short",1,[]',
        "null,1,[]",
        f'"{ANN}",0,[]',
        f'"{ANN}",-1,[]',
        f'"{ANN}",true,[]',
        f'"{ANN}",1.0,[]',
        f'"{ANN}",1e3,[]',
        f'"{ANN}","1",[]',
        f'"{ANN}",null,[]',
        f'"{ANN}",{MAX_NUMBER + 1},[]',
        f'"{ANN}",1,{{}}',
        f'"{ANN}",1,"text"',
        f'"{ANN}",1,["text"]',
        f'"{ANN}",1,["12"]',
        f'"{ANN}",1,[1]',
        f'"{ANN}",1,[{{"1":1,"2":2}}]',
        f'"{ANN}",1,[[1]]',
        f'"{ANN}",1,[[1,"text",1]]',
        f'"{ANN}",1,[[2,"text",1]]',
        f'"{ANN}",1,[[1,"text",0]]',
        f'"{ANN}",1,[[1,"text",2.5]]',
        f'"{ANN}",1,[[1,"text",true]]',
        f'"{ANN}",1,[[1,"text",2,3]]',
        f'"{ANN}",1,[[1,"text",{MAX_RANK + 1}]]',
        f'"{ANN}",1,[{{"at":1}}]',
        f'"{ANN}",1,[[1,""]]',
        f'"{ANN}",1,[[1,"fine"],[1,""]]',
        f'"{ANN}",1,[[1,null]]',
        f'"{ANN}",1,[[1,["text"]]]',
        f'"{ANN}",1,[["1","text"]]',
        f'"{ANN}",1,[[true,"text"]]',
        f'"{ANN}",1,[[1.5,"text"]]',
        f'"{ANN}",1,[[-1,"text"]]',
        f'"{ANN}",1,[[{MAX_TIME + 1},"text"]]',
        f'"{ANN}",1,[[1,"{"x" * (MAX_TEXT + 1)}"]]',
    ],
)
def test_malformed_entries_are_refused(arguments: str) -> None:
    refusal(f'["entries",{arguments}]')


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "[]",
        "null",
        f'"{ANN}"',
        f'{{"{ANN}":-1}}',
        f'{{"{ANN}":true}}',
        f'{{"{ANN}":1.0}}',
        f'{{"{ANN}":null}}',
        f'{{"{ANN}":"1"}}',
        f'{{"{ANN}":{MAX_NUMBER + 1}}}',
        '{"short":1}',
        '{"":1}',
        "{},{}",
    ],
)
def test_a_malformed_have_is_refused(arguments: str) -> None:
    refusal(f'["have",{arguments}]')


def test_a_bye_says_nothing_more() -> None:
    refusal('["bye","bye"]')


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 5_000, "-0.0"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    refusal(f'["have",{{"{ANN}":{number}}}]')
    refusal(f'["entries","{ANN}",{number},[]]')
    refusal(f'["entries","{ANN}",1,[[{number},"text"]]]')
    refusal(f'["hello",[1,{number}],"{ONES_TEXT}"]')


def test_a_state_vector_names_no_more_authors_than_the_limit() -> None:
    authors = {f"{number:020}": 1 for number in range(MAX_AUTHORS + 1)}
    assert decode(encode(Have(dict(list(authors.items())[:-1])))) is not None

    refusal(encode(Have(authors)))


def test_of_a_key_that_comes_twice_the_last_counts_as_in_javascript() -> None:
    assert decode(f'["have",{{"{ANN}":1,"{ANN}":2}}]') == Have({ANN: 2})


def test_lone_surrogates_are_replaced_for_they_are_no_text() -> None:
    data = f'["entries","{ANN}",1,[[1,"a\\ud800b"],[2,"\\udc00\\ud83d\\ude00"]]]'

    assert decode(data) == Entries(ANN, 1, [Entry(1, "a\ufffdb"), Entry(2, "\ufffd😀")])


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("[", "]"), ("[1,", "]"), ('{"a":', "}"), ('["x",', "]"), ("[ ", " ]"), ('[{"a":', "}]"), ('["[",', "]")],
)
def test_deep_nesting_never_reaches_the_json_reader(
    opening: str, closing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = 65_000 // len(opening + closing)
    monkeypatch.setattr(json_array, "_DECODER", None)  # whoever reads it fails

    assert "deep" in refusal(opening * deep + "1" + closing * deep)
    assert "deep" in refusal(opening * (65_000 // len(opening)))
    assert "deep" in refusal(f'["typing",{opening * 20}1{closing * 20}]')


@pytest.mark.parametrize("char", ["x", "ü", "漢", "😀"])
def test_a_frame_is_measured_in_bytes(char: str) -> None:
    size = len(char.encode())
    fitting = (MAX_FRAME - len('[""]')) // size
    assert decode(f'["{char * fitting}"]') == Unknown(char * 32)

    assert "large" in refusal(f'["{char * (fitting + 1)}"]')


# Nothing that a peer sends does any harm.


def reads(data: str) -> Frame | None:
    """Whatever comes out, it is a frame or the peer's mistake; anything else that is raised fails the test."""
    try:
        return decode(data)
    except RemoteError:
        return None


@given(st.text(st.characters()))
def test_any_text_is_refused_or_a_frame(data: str) -> None:
    assert reads(data) is None or data.lstrip().startswith("[")


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=20),
        st.sampled_from([ANN, 1, 0, MAX_NUMBER, ONES_TEXT, "A" * 86]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.just(ANN), st.text(max_size=20)), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(
    st.sampled_from(["hello", "reveal", "proof", "introduce", "entries", "have", "bye", "other"]),
    st.lists(VALUES, max_size=4),
)
def test_a_known_kind_with_anything_in_it_is_refused_or_a_frame(kind: str, values: list[object]) -> None:
    frame = reads(json.dumps([kind, *values]))

    assert frame is None or isinstance(frame, Unknown) == (kind == "other")


@pytest.mark.slow
@given(FRAMES, st.data())
def test_a_frame_that_was_damaged_is_refused_or_another_frame(frame: OwnFrame, data: st.DataObject) -> None:
    written = encode(frame)
    at = data.draw(st.integers(0, len(written)))
    until = data.draw(st.integers(at, min(len(written), at + 4)))
    damaged = written[:at] + data.draw(st.text(st.characters(), max_size=3)) + written[until:]

    found = reads(damaged)
    if found is not None and not isinstance(found, Unknown):
        assert decode(encode(found)) == found


NEARLY_NUMBERS = st.one_of(
    st.integers(-2, 10**16).map(str),
    st.sampled_from(["", " 7", "00", "01", "-0", "1.0", "1e3", "+1", "٣", "true", "9" * 14, "9" * 15]),
    st.sampled_from([MAX_TIME, MAX_NUMBER]).map(str),
)
NEARLY_TEXTS = st.one_of(
    TEXTS,
    st.text(alphabet='a"\\[]{},\x00\x1f\x7f\n\u2028ü😀', max_size=9),
    st.sampled_from(["", "a" * MAX_TEXT, "a" * (MAX_TEXT + 1), "\\ud800", "\\u0041", "\\"]),
)


@pytest.mark.slow
@given(
    st.sampled_from([ANN, "a" * 15, "a" * 16, "_" * 64, "_" * 65, "ann.ann.ann.ann.ann", "ännännännännännänn", ""]),
    NEARLY_NUMBERS,
    NEARLY_NUMBERS,
    NEARLY_TEXTS,
    st.sampled_from(["", " ", "]", ",1", "\n"]),
)
def test_the_short_way_to_read_one_entry_finds_what_the_long_way_finds(
    author: str, first: str, at: str, text: str, more: str
) -> None:
    data = f'["entries","{author}",{first},[[{at},"{text}"]]]{more}'
    assert outcome(data) == outcome(" " + data), "which no frame of ours begins with"


def outcome(data: str) -> Frame | str:
    try:
        return decode(data)
    except RemoteError as error:
        return str(error)


@pytest.mark.parametrize(
    "arguments",
    [
        f'"{"A" * 27}",true',
        f'"{"A" * 26}",true,""',
        f'"{"A" * 27}",1,""',
        f'"{"A" * 27}",true,null',
        f'"{"A" * 27}",true,"https://chat.example/relay"',
        f'"{"A" * 27}",true,"wss://chat.example/ relay"',
        f'"{"A" * 27}",true,"wss://chät.example/relay"',
        f'"{"A" * 27}",true,"wss://{"x" * MAX_RELAY}"',
        f'"{"A" * 27}",true,"",1',
        'null,true,""',
    ],
)
def test_a_malformed_rendezvous_is_refused(arguments: str) -> None:
    refusal(f'["rendezvous",{arguments}]')
