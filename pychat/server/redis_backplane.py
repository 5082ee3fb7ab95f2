"""Several processes as one relay, over a Redis.

Theory of operation. Every process has a random name, a pub/sub channel of that name, and a heartbeat: a score in the
sorted set `processes`, in the time of Redis. A room is a hash, from each member to when it came and to its process.
What changes a room is a script, so it is atomic, and the same script publishes the change to the channel of every other
process with members in that room. A process subscribes before it writes anything, so of two members that join at once
the second finds the first in the hash, and the first one's process is told.

Whoever beats takes the processes away that have not beaten for DEAD_AFTER seconds, with all their members. A process
that finds its own heartbeat missing (it slept, or Redis has forgotten everything) writes its members again. So does one
that has lost Redis for a while; until then it is a relay by itself. What is sent in between is lost. When it is back it
compares the rooms with whom it knew: at once for those who came, and after DEAD_AFTER seconds, when all others are back
too, for those who left.

All keys expire KEEP_SECONDS after a process has last said that it needs them, which each does several times in between:
what is left when every process was killed goes by itself.

Scripts make the names of keys themselves, so this wants one Redis, and no cluster of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Awaitable, Iterable
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError

from pychat.server.backplane import Audience, Health, MemberTaken, RoomFull

BEAT_SECONDS = 1.0
DEAD_AFTER = 4.0
ANSWER_SECONDS = 2.0
KEEP_SECONDS = 3600
CONNECTIONS = 16

_PREFIX = "pychat:relay:"

# KEYS are not used: the names depend on what the scripts read. Members and rooms are base64url and need no escapes.
_COMMON = f"""
local prefix = '{_PREFIX}'
local function keep(key, seconds)
  redis.call('EXPIRE', prefix .. key, seconds)
end
local function tell(room, members, except, kind, member)
  local told = {{}}
  for i = 2, #members, 2 do
    local process = members[i]:match(' (.*)$')
    if process ~= except and not told[process] then
      told[process] = true
      redis.call('PUBLISH', prefix .. 'to:' .. process, '["' .. kind .. '","' .. room .. '","' .. member .. '"]')
    end
  end
end
local function add(process, room, member, value, seconds)
  local members = redis.call('HGETALL', prefix .. 'room:' .. room)
  redis.call('HSET', prefix .. 'room:' .. room, member, value)
  redis.call('SADD', prefix .. 'members:' .. process, room .. ' ' .. member)
  keep('room:' .. room, seconds)
  keep('members:' .. process, seconds)
  tell(room, members, process, 'arrived', member)
  return members
end
local function remove(process, room, member)
  redis.call('SREM', prefix .. 'members:' .. process, room .. ' ' .. member)
  if redis.call('HDEL', prefix .. 'room:' .. room, member) == 1 then
    tell(room, redis.call('HGETALL', prefix .. 'room:' .. room), process, 'left', member)
  end
end
local function clear(process, kept)
  for _, entry in ipairs(redis.call('SMEMBERS', prefix .. 'members:' .. process)) do
    if not kept[entry] then
      local room, member = entry:match('^(.*) (.*)$')
      remove(process, room, member)
    end
  end
end
"""

# process, room, member, value, size, seconds -> 0 taken, 1 full, or who was there
_JOIN = """
local process, room, member, value, size = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local held = redis.call('HGET', prefix .. 'room:' .. room, member)
if held and held ~= value then return 0 end
if not held and redis.call('HLEN', prefix .. 'room:' .. room) >= size then return 1 end
return add(process, room, member, value, ARGV[6])
"""

# process, room, member
_LEAVE = "remove(ARGV[1], ARGV[2], ARGV[3])"

# room, member, message
_SEND = """
local held = redis.call('HGET', prefix .. 'room:' .. ARGV[1], ARGV[2])
if held then redis.call('PUBLISH', prefix .. 'to:' .. held:match(' (.*)$'), ARGV[3]) end
"""

# process, seconds until it is dead, seconds until its keys go -> 1 when it was known to be alive
_BEAT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local new = redis.call('ZADD', prefix .. 'processes', now, ARGV[1])
keep('processes', ARGV[3])
for _, process in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'processes', '-inf', now - tonumber(ARGV[2]))) do
  redis.call('ZREM', prefix .. 'processes', process)
  clear(process, {})
end
return 1 - new
"""

# process, seconds
_KEEP = """
keep('members:' .. ARGV[1], ARGV[2])
for _, entry in ipairs(redis.call('SMEMBERS', prefix .. 'members:' .. ARGV[1])) do
  keep('room:' .. entry:match('^(.*) '), ARGV[2])
end
"""

# process, seconds, then room, member and value of each that it has
_WRITE = """
local kept = {}
for i = 3, #ARGV, 3 do kept[ARGV[i] .. ' ' .. ARGV[i + 1]] = true end
clear(ARGV[1], kept)
for i = 3, #ARGV, 3 do
  if redis.call('HEXISTS', prefix .. 'room:' .. ARGV[i], ARGV[i + 1]) == 0 then
    add(ARGV[1], ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[2])
  end
end
"""

# process
_LEAVE_ALL = """
redis.call('ZREM', prefix .. 'processes', ARGV[1])
clear(ARGV[1], {})
"""


class RedisBackplane:
    """The rooms of all processes that use the Redis at `url`."""

    def __init__(self, url: str, keep_seconds: int = KEEP_SECONDS) -> None:
        self._keep_seconds = keep_seconds
        self._process = secrets.token_urlsafe(16)
        patience = Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 2)
        self._redis = _client(url, patience, CONNECTIONS)
        # A subscription that came back by itself would hide that something was missed.
        self._subscriber = _client(url, Retry(NoBackoff(), 0), 1)
        scripts = (_JOIN, _LEAVE, _SEND, _BEAT, _KEEP, _WRITE, _LEAVE_ALL)
        self._scripts = {script: self._redis.register_script(_COMMON + script) for script in scripts}
        self._members: dict[str, dict[str, str]] = {}  # of this process: room, member, value
        self._known: dict[str, dict[str, None]] = {}  # of other processes, in rooms with members of this one
        self._behind = False  # Redis has not learned of a change here
        self._audience: Audience
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._health = Health.ALONE

    @property
    def health(self) -> Health:
        """Whether Redis is there."""
        return self._health

    async def start(self, audience: Audience) -> None:
        """Connect to Redis; when it is not there, go on trying and begin alone."""
        self._audience = audience
        self._task = asyncio.create_task(self._run())
        await self._tried.wait()

    async def stop(self) -> None:
        """Take this process and its members out of Redis."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._try(_LEAVE_ALL, self._process)
        await self._redis.aclose()
        await self._subscriber.aclose()

    async def join(self, room: str, member: str, size: int) -> list[str]:
        """As in Backplane; without Redis only the members of this process count."""
        ours = self._members.setdefault(room, {})
        known = self._known.setdefault(room, {})
        if member in ours:
            raise MemberTaken
        before = list(ours)
        ours[member] = f"{time.time():.6f} {self._process}"
        found = await self._try(_JOIN, self._process, room, member, ours[member], size, self._keep_seconds)
        if found == 0 or found == 1 or (found is None and len(before) >= size):
            self._forget(room, member)
            raise MemberTaken if found == 0 else RoomFull
        others = [*known, *before] if found is None else _oldest_first(found, except_for=member)
        # In the room from here on: those who are already there are told first.
        for other in others:
            if other not in ours and other not in known:
                known[other] = None
                if before:
                    self._audience.arrived(room, other)
        self._audience.arrived(room, member)
        return others

    async def leave(self, room: str, member: str) -> None:
        """As in Backplane; Redis learns it later when it is not there."""
        if member in self._members.get(room, {}):
            self._forget(room, member)
            self._audience.left(room, member)
            await self._try(_LEAVE, self._process, room, member)

    async def send(self, room: str, member: str, sender: str, data: str) -> None:
        """As in Backplane; only a member of another process takes the way over Redis."""
        if member in self._members.get(room, {}):
            self._audience.received(room, member, sender, data)
        else:
            await self._try(_SEND, room, member, json.dumps(["from", room, member, sender, data]))

    def _forget(self, room: str, member: str) -> None:
        del self._members[room][member]
        if not self._members[room]:
            del self._members[room], self._known[room]

    async def _try(self, script: str, *values: str | float) -> Any:
        """What a script returns; None when there is no Redis to run it."""
        if self._health is not Health.ALONE:
            with contextlib.suppress(RedisError, OSError):
                return await self._call(script, *values)
            self._behind = True
        return None

    async def _call(self, script: str, *values: str | float) -> Any:
        return await self._scripts[script](args=values)

    async def _run(self) -> None:
        """Hold the subscription, for ever."""
        again = Retry(ExponentialWithJitterBackoff(base=0.1, cap=2), -1, (RedisError, OSError))  # type: ignore[arg-type]
        while True:
            pubsub = await again.call_with_retry(self._subscribe, self._lost)
            try:
                await self._listen(pubsub)
            except (RedisError, OSError) as error:
                await self._lost(error)
            finally:
                with contextlib.suppress(RedisError, OSError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _subscribe(self) -> PubSub:
        pubsub = self._subscriber.pubsub()
        try:
            await pubsub.subscribe(f"{_PREFIX}to:{self._process}")
            if await pubsub.get_message(timeout=ANSWER_SECONDS) is None:
                raise TimeoutError
            await self._call(_BEAT, self._process, DEAD_AFTER, self._keep_seconds)
            self._change(Health.CONNECTED)
            await self._write()
        except BaseException:
            with contextlib.suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]
            raise
        self._tried.set()
        return pubsub

    async def _lost(self, _: Exception) -> None:
        self._change(Health.ALONE)
        self._tried.set()

    def _change(self, health: Health) -> None:
        if health is not self._health:
            self._health = health
            self._audience.health_changed(health)

    async def _listen(self, pubsub: PubSub) -> None:
        """Take what comes and beat, until the connection breaks."""
        loop = asyncio.get_running_loop()
        beat_at = keep_at = loop.time()
        settled_at: float | None = beat_at + DEAD_AFTER + BEAT_SECONDS
        while True:
            if loop.time() >= beat_at:
                beat_at = loop.time() + BEAT_SECONDS
                alive = await self._call(_BEAT, self._process, DEAD_AFTER, self._keep_seconds)
                if self._behind or not alive:
                    await self._write()
                    settled_at = loop.time() + DEAD_AFTER + BEAT_SECONDS
            if loop.time() >= keep_at:
                keep_at = loop.time() + self._keep_seconds / 4
                await self._call(_KEEP, self._process, self._keep_seconds)
            if settled_at is not None and loop.time() >= settled_at:
                settled_at = None
                await self._compare(departures=True)
            message = await pubsub.get_message(True, timeout=max(0.0, beat_at - loop.time()))
            if message is not None:
                self._take(message["data"])

    def _take(self, text: str) -> None:
        kind, room, member, *rest = json.loads(text)
        if kind == "from":
            self._audience.received(room, member, *rest)
        elif room not in self._members:
            pass
        elif kind == "left":
            self._left(room, member)
        else:
            self._arrived(room, member)

    def _arrived(self, room: str, member: str) -> None:
        if member not in self._known[room] and member not in self._members[room]:
            self._known[room][member] = None
            self._audience.arrived(room, member)

    def _left(self, room: str, member: str) -> None:
        """Told even of one not known: who joins just now may have found it in the room."""
        self._known[room].pop(member, None)
        self._audience.left(room, member)

    async def _write(self) -> None:
        """Write all members of this process again, and see who has come meanwhile.

        Again when some came or went during it, for then nobody knows which script was the first.
        """
        written: list[str] | None = None
        while written != (parts := self._parts()):
            self._behind = False
            await self._call(_WRITE, self._process, self._keep_seconds, *parts)
            written = parts
        await self._compare(departures=False)

    def _parts(self) -> list[str]:
        entries = ((room, *entry) for room, ours in self._members.items() for entry in ours.items())
        return [part for entry in entries for part in entry]

    async def _compare(self, *, departures: bool) -> None:
        """Make what is known of the others agree with Redis."""
        for room in list(self._members):
            members = await cast(Awaitable[list[str]], self._redis.hkeys(f"{_PREFIX}room:{room}"))
            if room not in self._members:
                continue
            for member in members:
                self._arrived(room, member)
            if departures:
                for member in self._known[room].keys() - members:
                    self._left(room, member)


def _client(url: str, retry: Retry, connections: int) -> Redis:
    """At most so many connections; who finds none free waits for one, but not longer than for an answer."""
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=True,
        max_connections=connections,
        timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=retry,
    )
    return Redis.from_pool(pool)


def _oldest_first(found: Iterable[str], *, except_for: str) -> list[str]:
    """The members of a hash that Redis has given as a flat list of names and values."""
    flat = list(found)
    entries = zip(flat[::2], flat[1::2], strict=True)
    return [member for member, _ in sorted(entries, key=lambda entry: entry[1]) if member != except_for]
