"""What a store does."""

from contextlib import suppress

from tests.contracts.kit import Kit, Port, contract

TEXTS = (
    "",
    "plain",
    "two\r\nlines\n",
    " spaces \t",
    "None",
    "null",
    "\0\x7f",
    "Grüße, 世界, 👩‍👩‍👧, \u200f\ufeff\u2028",
    '{"json": ["\\u0000", 1]}',
)


@contract(Port.STORE)
async def has_nothing_of_what_was_never_saved(kit: Kit) -> None:
    assert kit.store().load("settings") is None


@contract(Port.STORE)
async def gives_back_what_was_saved(kit: Kit) -> None:
    for text in TEXTS:
        store = kit.store()
        store.save("settings", text)
        loaded = store.load("settings")
        assert loaded == text, (text, loaded)


@contract(Port.STORE)
async def keeps_it_until_another_visit(kit: Kit) -> None:
    kit.store().save("settings", TEXTS[-2])
    loaded = kit.store().load("settings")
    assert loaded == TEXTS[-2], loaded


@contract(Port.STORE)
async def keeps_a_large_text(kit: Kit) -> None:
    text = "".join(chr(0x4E00 + i % 20_000) for i in range(500_000))
    kit.store().save("settings", text)
    assert kit.store().load("settings") == text


@contract(Port.STORE)
async def keeps_the_newest_text(kit: Kit) -> None:
    store = kit.store()
    for text in ("a longer one at first", "short", ""):
        store.save("settings", text)
        loaded = kit.store().load("settings")
        assert loaded == text, (text, loaded)


@contract(Port.STORE)
async def keeps_each_key_by_itself(kit: Kit) -> None:
    store = kit.store()
    texts = {"settings": "first", "settings-2": "second", "other": "third"}
    for key, text in texts.items():
        store.save(key, text)
    store.save("other", texts["other"])
    for key, text in texts.items():
        loaded = store.load(key)
        assert loaded == text, (key, loaded)
    assert store.load("setting") is None


@contract(Port.STORE)
async def changes_what_is_kept(kit: Kit) -> None:
    store = kit.store()
    for expected in ("None+", "None++"):
        store.update("settings", lambda kept: f"{kept}+")
        loaded = kit.store().load("settings")
        assert loaded == expected, loaded


@contract(Port.STORE)
async def leaves_what_is_kept_when_the_change_fails(kit: Kit) -> None:
    given: list[str | None] = []

    def fail(kept: str | None) -> str:
        given.append(kept)
        raise ValueError

    store = kit.store()
    store.save("settings", "old")
    with suppress(ValueError):
        store.update("settings", fail)
    assert given == ["old"], given
    loaded = kit.store().load("settings")
    assert loaded == "old", loaded
