from __future__ import annotations

import pytest

from pychat.core.chat.records import FOREVER, NOTHING
from pychat.ui.drafts import LONGEST, MOST, PAUSE, Drafts

ANN, BOB = "conversation-with-ann", "conversation-with-bob"
DAY = 86_400.0


def ready(keep_for: int = FOREVER) -> Drafts:
    drafts = Drafts(lambda _: keep_for)
    drafts.take([], 0.0)
    return drafts


def brought_back(records: list[tuple[str, bytes]], now: float, keep_for: int = FOREVER) -> dict[str, str]:
    """What the next visit finds of what was written by this one."""
    return Drafts(lambda _: keep_for).take(records, now)


@pytest.mark.parametrize("text", ["see you at", "two\nlines", "\ud83d half of an emoji", '"]'])
def test_a_draft_is_brought_back_as_it_was(text: str) -> None:
    assert brought_back(ready().changes({ANN: text}, 10.0), 20.0) == {ANN: text}


def test_a_draft_is_written_at_a_pause_and_within_seconds_of_one_who_types_on() -> None:
    drafts = ready()
    due = [drafts.due]
    for now in (10.0, 10.2, *(tenth / 10 for tenth in range(104, 200))):
        drafts.touch(now)
        due.append(drafts.due)
    assert due[:3] == [None, 10.0 + PAUSE, 10.2 + PAUSE]
    assert due[-1] == 10.0 + LONGEST
    assert [chat for chat, _ in drafts.changes({ANN: "x"}, 13.0)] == [ANN]
    assert drafts.due is None


def test_what_is_kept_of_a_draft_goes_as_soon_as_it_was_sent() -> None:
    drafts = ready()
    drafts.touch(1.0, is_empty=True)
    assert drafts.due == 1.0 + PAUSE  # there is nothing that could go
    drafts.changes({ANN: "one"}, 2.0)
    drafts.touch(3.0, is_empty=True)
    assert drafts.due == 3.0
    assert drafts.changes({ANN: ""}, 3.0) == [(ANN, b"")]


def test_only_what_has_changed_is_written_again() -> None:
    drafts = ready()
    assert len(drafts.changes({ANN: "one", BOB: "two"}, 1.0)) == 2
    assert drafts.changes({ANN: "one", BOB: "two"}, 2.0) == []
    assert [chat for chat, _ in drafts.changes({ANN: "one", BOB: "two!"}, 3.0)] == [BOB]


def test_what_was_sent_or_belongs_to_a_conversation_that_is_gone_goes() -> None:
    drafts = ready()
    drafts.changes({ANN: "one", BOB: "two"}, 1.0)
    assert drafts.changes({ANN: "", BOB: "two"}, 2.0) == [(ANN, b"")]
    assert drafts.changes({}, 3.0) == [(BOB, b"")]
    assert drafts.changes({}, 4.0) == []


def test_where_nothing_is_kept_no_draft_is_and_one_that_was_goes() -> None:
    choice = FOREVER
    drafts = Drafts(lambda _: choice)
    drafts.take([], 0.0)
    kept = drafts.changes({ANN: "secret"}, 1.0)
    choice = NOTHING
    assert drafts.changes({ANN: "secret"}, 2.0) == [(ANN, b"")]
    assert drafts.changes({ANN: "secret and more"}, 3.0) == []
    assert brought_back(kept, 4.0, NOTHING) == {}


def test_a_draft_older_than_what_is_kept_is_not_brought_back_and_goes() -> None:
    record = ready().changes({ANN: "yesterday"}, 0.0)
    assert brought_back(record, DAY - 1, int(DAY)) == {ANN: "yesterday"}
    drafts = Drafts(lambda _: int(DAY))
    assert drafts.take(record, DAY + 1) == {}
    assert drafts.due is not None
    assert drafts.changes({}, DAY + 2) == [(ANN, b"")]


@pytest.mark.parametrize("damaged", [b"", b"{", b"[1,2]", b'[2,0,"of another version"]', b"[" * 100_000])
def test_what_cannot_be_read_is_not_brought_back_and_goes(damaged: bytes) -> None:
    drafts = Drafts(lambda _: FOREVER)
    assert drafts.take([(ANN, damaged)], 1.0) == {}
    assert drafts.changes({}, 2.0) == [(ANN, b"")]


def test_nothing_is_written_before_it_is_known_what_is_kept() -> None:
    drafts = Drafts(lambda _: FOREVER)
    drafts.touch(1.0)
    before = drafts.due, drafts.changes({ANN: "typed at once"}, 2.0)
    assert before == (None, [])
    drafts.take([], 3.0)
    assert drafts.due is not None
    assert [chat for chat, _ in drafts.changes({ANN: "typed at once"}, 4.0)] == [ANN]


def test_what_could_not_be_written_is_tried_again() -> None:
    drafts = ready()
    first = drafts.changes({ANN: "one"}, 1.0)
    drafts.failed(ANN)
    assert drafts.changes({ANN: "one"}, 1.0) == first
    drafts.changes({}, 2.0)
    drafts.failed(ANN)
    assert drafts.changes({}, 3.0) == [(ANN, b"")]


def test_of_a_huge_draft_the_beginning_is_kept() -> None:
    kept = ready().changes({ANN: "x" * (2 * MOST)}, 1.0)
    assert brought_back(kept, 2.0) == {ANN: "x" * MOST}
