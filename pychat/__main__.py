"""The command `pychat`: reads what is asked for, puts the parts together, ends with a status that scripts can use.

This is the composition root of CPython: it alone knows all the parts.
"""

import argparse
import asyncio
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from pychat import __version__
from pychat.core.codes.pasted import page_in, relay_of
from pychat.core.events import Event
from pychat.core.identity.contacts import clean_name
from pychat.exit_codes import Exit, Failure, say
from pychat.native.ports.store import FileStore
from pychat.native.screens import settings as terminal_settings
from pychat.native.trace import TraceFile
from pychat.ports import PortError
from pychat.ui import keeping, strings
from pychat.ui.app import App
from pychat.ui.settings import KEY, Settings, SettingsProblem, is_local, usable_ice

_EPILOG = """\
On a terminal room, invite and join open a chat. In a pipe they pass lines: those of the standard input are sent, those
that arrive are printed, and nothing else is. The link or the code to hand over then goes to standard error, alone on
its line; one that is wanted is read from the first lines of the input.

exit status: 0 all was delivered; 1 something on this machine does not work; 2 wrong usage, or nothing to send;
3 no code or link came, or it cannot be used; 4 no connection came about; 5 it ended before all was delivered;
6 the standard output was closed; 7 the other side is not who it should be; 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a locale may lack a sign that a name or a help text has
        sys.stdout.reconfigure(errors="replace")
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command == "serve":
        from pychat.server import cli, files  # what is not asked for is not loaded

        return cli.main(files.find_site(), rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    logging.getLogger().addHandler(logging.NullHandler())  # what aiortc has to say is nothing for a person
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Failure as failure:
        say(str(failure))
        return failure.status
    except (PortError, OSError) as error:
        say(f"{error}.")
        return Exit.FAILED
    except SettingsProblem as problem:
        say(str(problem))
        return Exit.USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pychat",
        description="A private chat that needs no server: straight to the other side, encrypted on the whole way.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pychat {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add_command(name: str, example: str, *, help: str, **options: Any) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog=f"for example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )

    servers = argparse.ArgumentParser(add_help=False)
    servers.add_argument("--name", help="how others see you; it proves nothing")
    servers.add_argument(
        "--server",
        metavar="LINE",
        action="append",
        help="a STUN or TURN server for this time, “stun:host:port” or “turn:host:port name password”; repeatable",
    )
    servers.add_argument(
        "--suggested", action=argparse.BooleanOptionalAction, help="whether to ask the suggested STUN server too"
    )
    servers.add_argument(
        "--hide-address", action=argparse.BooleanOptionalAction, help="whether to go through a TURN server only"
    )

    servers.add_argument(
        "--keep", metavar="TIME", help="for how long it is kept what is said: “7 days”, “forever”, “nothing”"
    )

    unlocking = argparse.ArgumentParser(add_help=False)
    unlocking.add_argument(
        "--passphrase-file",
        metavar="FILE",
        type=Path,
        help="a file whose first line is the passphrase; else it is asked for",
    )

    chat = argparse.ArgumentParser(add_help=False, parents=[servers, unlocking])
    chat.set_defaults(room=False, talk=None)
    chat.add_argument(
        "--json", action="store_true", help="in a pipe: print messages, and what else happens, as lines of JSON"
    )
    chat.add_argument(
        "--json-input", action="store_true", help="in a pipe: each line of the input is a command in JSON"
    )
    chat.add_argument("--stay", action="store_true", help="in a pipe: after the end of input wait until they leave")
    chat.add_argument(
        "--page",
        metavar="URL",
        default=os.environ.get("PYCHAT_PAGE", ""),
        help="a page with pychat: on a terminal codes are shown as links to it (PYCHAT_PAGE)",
    )
    chat.add_argument(
        "--trace",
        metavar="FILE",
        help="write what happens inside into this file, line by line, without texts and secrets; “-” is standard error",
    )

    invite = add_command(
        "invite", "pychat invite --name Ann", parents=[chat], help="make an invite for one other person"
    )
    invite.set_defaults(run=_chat, joins=False, code=None)
    join = add_command(
        "join",
        'pychat join "https://chat.example/#F…"',
        parents=[chat],
        help="take an invite and make the reply, or go into a room",
    )
    join.add_argument(
        "code", nargs="?", metavar="CODE", help="the invite, or the link of a room; without it, it is asked for"
    )
    join.set_defaults(run=_chat, joins=True)
    room = add_command(
        "room",
        "pychat room --page https://chat.example/",
        parents=[chat],
        help="open a room at the relay of --page, for whoever has its link",
    )
    room.set_defaults(run=_chat, joins=False, code=None, room=True)
    talk = add_command(
        "talk",
        "pychat talk Ann",
        parents=[chat],
        help="find somebody again whom you have talked to, without a link; on a terminal",
    )
    talk.add_argument("talk", nargs="?", metavar="NAME", default="", help="whom; without it you choose among them")
    talk.set_defaults(run=_chat, joins=False, code=None)
    settings = add_command(
        "settings",
        "pychat settings --name Ann --server stun:stun.example:3478",
        parents=[servers],
        help="show the settings; keep those that are given (--server - reads lines)",
    )
    settings.set_defaults(run=_settings)
    reset = add_command(
        "reset", "pychat reset", help="delete your identity, contacts and settings: others see you as new"
    )
    reset.add_argument(
        "--history", action="store_true", help="delete only what was said, also where it cannot be read any more"
    )
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(run=_reset)
    commands.add_parser("serve", add_help=False, help="serve the page for browsers")
    add_command(
        "passphrase",
        "pychat passphrase",
        parents=[unlocking],
        help="set, change or remove the passphrase that what was said is sealed with",
    ).set_defaults(run=_passphrase)
    for name, run, help in (
        ("backup", _back_up, "write everything that is kept into one file, sealed with a passphrase"),
        ("restore", _restore, "take in what is in such a file; what is here stays"),
    ):
        command = add_command(name, f"pychat {name} everything.pychat", parents=[unlocking], help=help)
        command.add_argument("file", type=Path, metavar="FILE")
        command.set_defaults(run=run)
    export = add_command(
        "export",
        "pychat export --chat Ann ann.html",
        parents=[unlocking],
        help="write a conversation into a file; or, without --chat, the page into a folder for a web host",
    )
    export.add_argument("--chat", metavar="NAME", help="the conversation with this person, as .html or .md")
    export.add_argument(
        "target", type=Path, metavar="TARGET", help="a new file; of the page a folder: new, empty, or an earlier export"
    )
    export.set_defaults(run=_export)
    return parser


def _folder() -> Path:
    """Where identity, contacts and settings are kept.

    Raises:
        Failure: this user has no home.
    """
    try:
        return user_data_path("pychat", appauthor=False)
    except RuntimeError as error:
        raise Failure(Exit.FAILED, f"There is no folder to keep anything in: {error}.") from error


def _store() -> FileStore:
    return FileStore(_folder())


def _settings_with(options: argparse.Namespace) -> Settings:
    """The settings that are kept, with those of the command line in their place."""
    kept = Settings.loads(_store().load(KEY))
    given: dict[str, Any] = {
        "suggested": options.suggested,
        "relay_only": options.hide_address,
        "keep_for": _keep_for(options.keep),
    }
    if options.name is not None:
        given["name"] = clean_name(options.name)
    if options.server is not None:
        given["own"] = "\n".join(options.server)
    return replace(kept, **{name: value for name, value in given.items() if value is not None})


def _keep_for(text: str | None) -> int | None:
    """For how many seconds it is to be kept what is said, if that is asked for."""
    seconds = keeping.parse(text) if text is not None else None
    if text is not None and seconds is None:
        raise Failure(Exit.USAGE, f"“{text[:60]}” is no time: write “7 days”, “forever” or “nothing”.")
    return seconds


def _settings(options: argparse.Namespace) -> Exit:
    if options.server == ["-"]:
        options.server = sys.stdin.read().splitlines() if sys.stdin is not None else []
    settings = _settings_with(options)
    usable_ice(settings, terminal_settings.SUGGESTED)
    if settings != Settings.loads(_store().load(KEY)):
        _store().save(KEY, settings.dumps())
    print("\n".join(terminal_settings.describe(settings)))
    return Exit.DONE


def _reset(options: argparse.Namespace) -> Exit:
    if not options.yes:
        say(strings.FORGET_HISTORY if options.history else strings.START_AFRESH)
        if not _on_a_terminal():
            raise Failure(Exit.USAGE, "Nothing is deleted. --yes does it without asking.")
        if input("Delete all of it? Type yes: ").strip().lower() != "yes":
            return Exit.DONE
    if options.history:
        from pychat.native.ports.journal import SqliteJournal

        SqliteJournal.erase(_store())
        say("What was said is deleted. What you say from now on is kept.")
        return Exit.DONE
    _store().erase()
    say("All is deleted. The next time you are somebody new.")
    return Exit.DONE


def _passphrase(options: argparse.Namespace) -> Exit:
    from pychat.vault import change_passphrase

    return _run(change_passphrase(_store(), options.passphrase_file))


def _back_up(options: argparse.Namespace) -> Exit:
    from pychat.vault import back_up

    return _run(back_up(_store(), options.passphrase_file, options.file))


def _restore(options: argparse.Namespace) -> Exit:
    from pychat.vault import restore

    return _run(restore(_store(), options.passphrase_file, options.file))


async def _passphrase_for(options: argparse.Namespace) -> str:
    """What opens that which is kept, or "" where it is open."""
    from pychat.native.ports.journal import is_sealed

    if not is_sealed(_store()):
        return ""
    from pychat.vault import unlocking

    return await unlocking(_store(), options.passphrase_file)


def _export(options: argparse.Namespace) -> Exit:
    if options.chat is not None:
        from pychat.exporting import export_chat

        async def export_one() -> Exit:
            secret = await _passphrase_for(options)
            settings = Settings.loads(_store().load(KEY))
            return await export_chat(_store(), settings, options.chat, options.target, secret)

        return _run(export_one())
    from pychat.server import export

    return export.main(options.target)


def _chat(options: argparse.Namespace) -> Exit:
    if options.code == "-":
        options.code = None
    if options.room and not relay_of(options.page):
        raise Failure(Exit.USAGE, "A room needs the address of a page with a relay: --page https://…/")
    if options.talk is not None and not _on_a_terminal():
        raise Failure(Exit.USAGE, "To find somebody again takes a terminal, or the library (Peer.again).")
    settings = _settings_with(options)
    usable_ice(settings, terminal_settings.SUGGESTED)
    return _run((_in_terminal if _on_a_terminal() else _in_pipe)(options, settings))


def _on_a_terminal() -> bool:
    for stream in (sys.stdin, sys.stdout):
        if stream is None or stream.closed or not stream.isatty():
            return False
    return os.environ.get("TERM") != "dumb"


def _run(work: Coroutine[Any, Any, Exit]) -> Exit:
    async def run() -> Exit:
        loop = asyncio.get_running_loop()
        # What fails within aiortc ends a connection, which is told; a traceback would tell nobody anything.
        loop.set_exception_handler(lambda *_: None)
        task = loop.create_task(work)
        if sys.platform != "win32":
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
                    loop.add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return Exit.INTERRUPTED

    return asyncio.run(run())


@contextmanager
def _tracing(target: str | None, tell: Callable[[str], None]) -> Iterator[Callable[[str], None] | None]:
    """What takes the lines of the trace, if there is to be one.

    Args:
        target: a file, or "-".
        tell: takes a sentence when it cannot be written any more.

    Raises:
        Failure: it cannot be written at all.
    """
    if target is None:
        yield None
    elif target == "-":
        yield say
    else:
        try:
            file = TraceFile(target, tell)
        except OSError as error:
            raise Failure(Exit.USAGE, f"The trace cannot be written to “{target}”: {error.strerror}.") from error
        with closing(file):
            yield file.write


async def _in_pipe(options: argparse.Namespace, settings: Settings) -> Exit:
    from pychat import pipe as pipe
    from pychat.client import Peer

    secret = await _passphrase_for(options)
    with _tracing(options.trace, say) as trace:
        source = pipe.Input()
        code = await pipe.find_code(source, options.code, options.page) if options.joins else ""
        suggested = () if is_local(page_in(code) or options.page) else terminal_settings.SUGGESTED
        ice = settings.ice(suggested)
        async with Peer(
            folder=_folder(),
            name=settings.name,
            ice=ice,
            keep_for=settings.keep_for,
            passphrase=secret,
            trace=trace,
        ) as peer:
            if peer.history_problem:
                say(f"{peer.history_problem}.")
            if settings.suggested and suggested:
                say(strings.stun_note(suggested))
            lines = pipe.Pipe(source, stay=options.stay, as_json=options.json, from_json=options.json_input)
            if options.room:
                await lines.room(peer, options.page)
            elif options.joins:
                await lines.join(peer, code, options.page)
            else:
                await lines.invite(peer)
    return Exit.DONE


async def _in_terminal(options: argparse.Namespace, settings: Settings) -> Exit:
    from pychat.client import make_driver
    from pychat.native.ports.peer import NativeConnect
    from pychat.native.screens.terminal import TerminalPage

    if options.trace == "-" and sys.stderr is not None and sys.stderr.isatty():
        raise Failure(Exit.USAGE, "Here a trace would stand in the middle of the chat. Give it a file: --trace FILE")

    def post(event: Event) -> None:
        driver.post(event)
        driver.turn()  # in a burst it would come later

    secret = await _passphrase_for(options)
    with _tracing(options.trace, lambda sentence: page.warn(sentence)) as trace:
        connect = NativeConnect()
        driver = await make_driver(
            _store(),
            connect,
            lambda: page.render(),
            name=settings.name,
            ice=settings.ice(()),
            keep_for=settings.keep_for,
            passphrase=secret,
            trace=trace,
        )
        page = TerminalPage(
            App(driver.node),
            post,
            page=options.page,
            settings=settings,
            colors="NO_COLOR" not in os.environ,
            symbols="utf" in sys.stdout.encoding.lower(),
        )
        try:
            undelivered = await page.run(
                driver.journaled, code=options.code, joins=options.joins, room=options.room, talk=options.talk
            )
        finally:
            driver.close()
            await driver.finish()
            await connect.finish()
    if undelivered:
        raise Failure(Exit.NOT_DELIVERED, strings.undelivered(undelivered))
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
