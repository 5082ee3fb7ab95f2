"""Runs a broad part of CPython and of what joins it with JavaScript; prints what comes out, the same at each run."""

# mypy: ignore-errors

import array
import ast
import asyncio
import base64
import binascii
import bisect
import bz2
import cmath
import codecs
import collections
import contextvars
import csv
import datetime
import decimal
import difflib
import encodings.aliases
import fractions
import functools
import gc
import hashlib
import heapq
import hmac
import io
import itertools
import json
import locale
import lzma
import marshal
import math
import operator
import pickle
import random
import re
import statistics
import string
import struct
import sys
import textwrap
import traceback
import types
import unicodedata
import weakref
import zlib

import js
from pyodide.code import run_js
from pyodide.ffi import JsException, create_proxy, to_js

TEXT = "Grüße, שלום, 你好, 日本語, 한국어, 👋🏽\n" * 3


def tell(name, make):
    """Print what `make` returns, or what it raises."""
    try:
        print(name, make())
    except BaseException as error:
        print(name, type(error).__name__, str(error)[:300])


def checksum(data):
    return zlib.crc32(data if isinstance(data, (bytes, bytearray)) else str(data).encode("utf-8", "surrogatepass"))


# Numbers.
decimal.getcontext().prec = 60
tell("decimal", lambda: [decimal.Decimal(2).sqrt(), decimal.Decimal(1) / 7, decimal.Decimal("1.1").exp()])
tell("decimal by zero", lambda: decimal.Decimal(1) / 0)
tell("decimal text", lambda: format(decimal.Decimal("12345.678"), ",.2f") + str(decimal.Decimal("1e400").ln()))
tell("integers", lambda: [checksum(3**5000), pow(7, 10**30, 10**9 + 7), int("z" * 50, 36), math.isqrt(10**80)])
tell("a long integer", lambda: str(10**5000))
tell("fractions", lambda: fractions.Fraction("3.14159").limit_denominator(113))
tell("floats", lambda: [1e308 * 10, float("nan"), (0.1).hex(), float.fromhex("0x1.8p3"), round(2.675, 2), 7 // -2])
tell("mathematics", lambda: [math.gamma(5.5), math.erf(0.3), math.fsum([0.1] * 10), math.comb(50, 25), cmath.sqrt(-1)])
tell("outside", lambda: math.sqrt(-1))
tell("statistics", lambda: [statistics.stdev([1, 2, 4, 8]), statistics.quantiles(range(10)), statistics.mode("aab")])
tell("chance", lambda: [random.Random(7).random(), random.Random(7).sample(range(99), 5), random.Random(7).gauss(0, 1)])

# Texts and bytes.
for encoding in sorted(set(encodings.aliases.aliases.values())):
    tell(encoding, lambda encoding=encoding: checksum(codecs.encode(TEXT, encoding, "replace")))
    tell(encoding, lambda encoding=encoding: checksum(codecs.decode(bytes(range(33, 250)), encoding, "ignore")))
tell("undecodable", lambda: b"\xff\xfe\xfa".decode("utf-8"))
tell("errors", lambda: [TEXT.encode("ascii", how)[:40] for how in ("xmlcharrefreplace", "namereplace", "ignore")])
tell("names", lambda: [unicodedata.name(c, "-") for c in TEXT[:9]] + [unicodedata.lookup("SNOWMAN")])
tell("normal forms", lambda: [checksum(unicodedata.normalize(form, TEXT + "ﬁ①é")) for form in ("NFC", "NFKD", "NFKC")])
tell("letters", lambda: ["ǅ".title(), "ß".upper(), "İ".lower(), "ﬁ".casefold(), "٣".isdigit(), TEXT.swapcase()[:6]])
tell(
    "formats",
    lambda: [operator.mod("%08.3f %-5s %+d %x", (3.14159, "a", 5, 255)), f"{1234567.891:,.1f} {255:#010b} {'x':^9}"],
)
tell("templates", lambda: string.Template("$a and ${b}").substitute(a=1, b=2))
tell("expressions", lambda: re.findall(r"(?P<a>\w+)(?=,)|[^\W\d]{3,}?|(?<!x)y", TEXT, re.I | re.S))
tell("a wrong expression", lambda: re.compile("(unclosed"))
tell("backtracking", lambda: re.match(r"(a+)+$", "a" * 18 + "b"))
tell("json", lambda: json.loads(json.dumps({"a": [1, 2.5, None, True, TEXT], "b": {"c": "\ud800"}}, indent=1)))
tell("wrong json", lambda: json.loads('{"a": [1, 2,, 3]}'))
tell("csv", lambda: list(csv.reader(io.StringIO('a,"b,c"\n"d""e",f\n'))))
tell("base64", lambda: [base64.b85encode(b"hello"), base64.a85encode(b"hello"), binascii.crc_hqx(b"hello", 0)])
tell("wrong base64", lambda: base64.b64decode(b"abc", validate=True))
tell("differences", lambda: list(difflib.unified_diff(["a", "b"], ["a", "c"])))
tell("wrapping", lambda: textwrap.fill("words and words " * 5, 30))

# Formats and sums.
DATA = TEXT.encode() * 50
for module in (zlib, bz2, lzma):
    tell(module.__name__, lambda module=module: module.decompress(module.compress(DATA)) == DATA)
    tell(module.__name__, lambda module=module: module.decompress(b"this is no such thing"))
for name in sorted(hashlib.algorithms_available):
    tell(name, lambda name=name: checksum(hashlib.new(name, DATA).digest(*([32] if "shake" in name else []))))
tell("key", lambda: hmac.new(b"a", b"b", "sha512").hexdigest())
tell("struct", lambda: struct.pack("<bBhHiIqQefd4s?", -1, 1, -2, 2, -3, 3, -4, 4, 0.5, 1.5, 2.5, b"abcd", True))
tell("too much for struct", lambda: struct.pack("B", 256))
tell("array", lambda: array.array("d", [1.5, 2.5]).tobytes() + memoryview(b"abcdef")[::-2].tobytes())
tell(
    "pickle",
    lambda: pickle.loads(pickle.dumps([TEXT, {1, 2}, datetime.date(2026, 1, 2), 10**50, decimal.Decimal("1.5")])),
)
tell("wrong pickle", lambda: pickle.loads(b"\x80\x04K"))
tell("marshal", lambda: marshal.loads(marshal.dumps([1, "a", (2.5, None), {b"x": 1j}])))
tell(
    "dates",
    lambda: [datetime.datetime(2024, 2, 29, 1, 2).strftime("%A %j %U"), datetime.date.fromisoformat("2026-W05-3")],
)
tell("no date", lambda: datetime.datetime.strptime("2026-13-01", "%Y-%m-%d"))
tell("locale", lambda: locale.format_string("%d", 1234567, grouping=True))

# The language.
SOURCE = """
@decorate
async def f[T: int](a, /, b: int = 1, *c, d, **e) -> T:
    async with a as x, b: yield [i async for i in c if await i]
match v:
    case {"k": [1, *rest], **others} | C(x=1): pass
    case _ if (y := 3): raise E from None
try: pass
except* ValueError as g: del g
type A[**P] = lambda *, k=f"{a!r:>{w}}": k
print(t"{a}")
"""
tell("syntax", lambda: checksum(ast.unparse(ast.parse(SOURCE)) + ast.dump(ast.parse(SOURCE))))
for wrong in ("a = (1,", "def f(:", "x = 08", "'\\N{nothing}'", "return 1", "\tif 1:\n  2", "f'{'", "await x", "é = ☃"):
    tell("wrong syntax", lambda wrong=wrong: compile(wrong, "wrong", "exec"))
tell("deep syntax", lambda: compile("(" * 500 + ")" * 500, "deep", "eval"))
tell("nested syntax", lambda: type(ast.literal_eval("-" * 3 + "1")))


def recurse(n):
    return recurse(n + 1)


class Recursive:
    def __repr__(self):
        return f"<{self!r}>"

    def __eq__(self, other):
        return self == other

    def __getattr__(self, name):
        return getattr(self, f"{name}x")


def nested(depth):
    it = []
    for _ in range(depth):
        it = [it]
    return it


tell("recursion", lambda: recurse(0))
sys.setrecursionlimit(120)  # through C each step takes more of the stack than Pyodide thinks
tell("recursion in repr", lambda: repr(Recursive()))
tell("recursion in ==", lambda: Recursive() == 1)
tell("recursion in an attribute", lambda: Recursive().a)
tell("recursion in json", lambda: json.dumps(nested(300)))
tell("recursion in json's reader", lambda: json.loads("[" * 300))
tell("recursion in repr of lists", lambda: repr(nested(300)))
tell("recursion in pickle", lambda: pickle.dumps(nested(300)))
tell("recursion in a key", lambda: sorted([3, 1, 2], key=recurse))
tell("recursion by reduce", lambda: functools.reduce(lambda a, b: recurse(b), range(3)))
sys.setrecursionlimit(1000)
tell("a deep one is freed", lambda: len(nested(1000)))


def generator():
    try:
        received = yield 1
        yield received * 2
    except KeyError as error:
        yield f"caught {error}"
    finally:
        print("closed")


def use_generators():
    first, second = generator(), generator()
    result = [next(first), first.send(21), next(second), second.throw(KeyError("k"))]
    first.close()
    second.close()
    return result


tell("generators", use_generators)


async def sleepers():
    async def one(n):
        await asyncio.sleep(0)
        if n == 3:
            raise ValueError("three")
        return n

    results = await asyncio.gather(*[one(n) for n in range(5)], return_exceptions=True)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(one(3))
    except* ValueError as errors:
        results.append(errors.exceptions)
    return results


print("tasks", await sleepers())  # noqa: F704


class Meta(type):
    def __call__(cls, *args):
        return super().__call__(*args)


class Slots(metaclass=Meta):
    __slots__ = ("__weakref__", "x")

    def __del__(self):
        print("deleted")


def classes():
    it = Slots()
    it.x = 1
    reference = weakref.ref(it, lambda _: print("gone"))
    del it
    gc.collect()
    return [reference(), types.SimpleNamespace(a=1), Slots.__mro__[1], type("D", (Slots,), {})().__class__.__name__]


tell("classes", classes)
tell("no order", lambda: type("X", (object, Slots), {}))
tell("collections", lambda: [collections.Counter("hello").most_common(2), collections.deque(range(9), 3)])
tell("changed meanwhile", lambda: [d.update({k + 9: 1}) for d in [{1: 1}] for k in d])
tell("iteration", lambda: [*itertools.groupby("aabb"), *itertools.permutations("abc", 2)].__len__())
tell(
    "more iteration",
    lambda: [*itertools.batched(range(5), 2), *itertools.pairwise("abc"), *itertools.accumulate([1, 2], operator.mul)],
)
tell("heaps", lambda: [heapq.nsmallest(2, [3, 1, 2]), bisect.insort(it := [1, 3], 2), it])
tell("sorting", lambda: sorted([(5 * n) % 7 for n in range(50)], key=lambda n: -n))
tell("no sorting", lambda: sorted([1, "a"]))
tell("contexts", lambda: contextvars.copy_context().run(lambda: 5))
tell("groups", lambda: ExceptionGroup("g", [ValueError(1), TypeError(2)]).split(ValueError))


def trace():
    try:
        try:
            {}["missing"]
        except KeyError as error:
            raise RuntimeError("after") from error
    except RuntimeError:
        return len(traceback.format_exc().splitlines())


tell("traces", trace)
lines = []
sys.settrace(lambda frame, event, argument: lines.append(event))
trace()
sys.settrace(None)
tell("tracing", lambda: lines)
tell("memory", lambda: bytearray(1 << 60))

# JavaScript: exceptions that cross from one to the other and back, callbacks, proxies.
throw = run_js("(message) => { throw new TypeError(message) }")
call = run_js("(f, ...rest) => f(...rest)")
call_catching = run_js("(f) => { try { f() } catch (error) { return `caught ${error.name}` } }")


def raise_in_python():
    raise LookupError("from within")


tell("from JavaScript", lambda: throw("hello"))
tell("through JavaScript", lambda: call(raise_in_python))
tell("caught by JavaScript", lambda: call_catching(raise_in_python))
tell("through both", lambda: call(lambda: call(lambda: throw("deep"))))
tell("through sorting", lambda: sorted([3, 1, 2], key=lambda n: throw(str(n))))
tell("through expressions", lambda: re.sub("a", lambda match: throw("in sub"), "banana"))
tell("through decimals", lambda: decimal.Decimal(call(lambda: throw("in decimal"))))
tell("in the middle of json", lambda: json.dumps({1: object()}, default=lambda it: throw("in json")))


def recurse_both(n):
    return call(recurse_both, n + 1) if n < 50 else n


tell("both ways", lambda: recurse_both(0))
tell("converted", lambda: js.JSON.stringify(to_js({"a": [1, 2, {"b": None}]}, dict_converter=js.Object.fromEntries)))
tell("bytes", lambda: run_js("(b) => { const v = b.getBuffer(); const n = v.data[1]; v.release(); return n }")(b"abc"))
proxy = create_proxy(lambda a, *b, **c: [a, *b, *c.items()])
tell("proxies", lambda: run_js("(f) => f.callKwargs(1, 2, {x: 3}).toString()")(proxy))
tell("destroyed", lambda: [proxy.destroy(), run_js("(f) => f(1)")(proxy)])
tell("iterated", lambda: [*run_js("(function* () { yield 1; yield 'b' })()")])
tell(
    "a dict", lambda: run_js("(d) => [d.get('a'), d.has('b'), [...d.keys()].join(), d.length].join()")({"a": 1, "c": 2})
)
tell("big numbers", lambda: run_js("(n) => (n * 2n)")(2**70))
tell("awaited", lambda: isinstance(run_js("Promise.resolve(1)"), asyncio.Future))
print("awaited", await run_js("Promise.resolve(7)"))  # noqa: F704
try:
    await run_js("Promise.reject(new RangeError('no'))")  # noqa: F704
except JsException as error:
    print("rejected", error)
tell("interrupted", lambda: (_ for _ in ()).throw(KeyboardInterrupt("k")))
print("end")
