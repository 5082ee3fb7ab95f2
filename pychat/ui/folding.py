"""Long texts are shown folded: their beginning, and the rest when somebody asks for it.

A text has up to 8,000 characters, and a burst brings hundreds of them: to lay out all of that takes a browser seconds.
"""

WHOLE_CHARACTERS, WHOLE_LINES = 900, 18
"""What a text may have and still be shown whole."""
HEAD_CHARACTERS, HEAD_LINES = 600, 12
"""What is shown of a longer one: so much less that unfolding is worth it."""
_WORD = 60
"""Characters within which the beginning ends where a word does."""


def is_long(text: str) -> bool:
    """Whether a text is shown folded."""
    return len(text) > WHOLE_CHARACTERS or text.count("\n") >= WHOLE_LINES


def fold(text: str) -> str:
    """The beginning of a long text; of any other all of it."""
    if not is_long(text):
        return text
    head = "\n".join(text[:HEAD_CHARACTERS].split("\n")[:HEAD_LINES])
    if len(head) == HEAD_CHARACTERS and not text[HEAD_CHARACTERS : HEAD_CHARACTERS + 1].isspace():
        word = max(head.rfind(" "), head.rfind("\n"))
        head = head[:word] if word > HEAD_CHARACTERS - _WORD else head
    return head
