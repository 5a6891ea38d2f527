"""Notes as nobody should write them, by what is wrong with them."""

from __future__ import annotations

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt, Tombstone
from regen_git.ledger.encoding import encode

ONE = IntentId("00000000000000aa")
GOOD = encode(
    Intent(
        ONE,
        (Prompt("Add a cache.\n\nWith a limit.\n", "2026-01-02T03:04:05Z", "feature"),),
        "captured",
        "Ada Example <ada@example.org>",
        Agent("claude", "2.1", "claude-x", "0a93878f"),
    )
) + encode(Binding(ONE, ("a.py",), (), {"a.py": (LineRange(2, 2),)}, "1" * 40, "2" * 40))
LINES = GOOD.splitlines(keepends=True)
EVIL = "\x1b]0;pwned\x07\x1b[2J \u202eback\u2066 \U000e0041 \r\n\u2028 end"
CLAIM = encode(Intent(ONE, (Prompt("Add no cache."),), "captured"))

BROKEN: dict[str, bytes] = {
    "not YAML": b"---\nintent: [oops\n",
    "a sentence": b"looks good to me\n",
    "NUL bytes": b"\0\0---\n\0",
    "not UTF-8": b"---\nintent: \"00000000000000aa\"\nprompts:\n- text: '\xff\xfe'\n",
    "an alias": b"---\nintent: &a [x]\nb: *a\n",
    "ten thousand aliases": b"---\na: &a [x,x]\nb: &b [*a,*a]\nintent: [*b,*b]\n" + b"c: *b\n" * 10_000,
    "a merge key": b"---\n<<: *x\nintent: a\n",
    "deep nesting": b"---\nintent: " + b"[" * 100_000 + b"\n",
    "deep blocks": b"---\nintent:\n" + b"".join(b" " * at + b"- \n" for at in range(1, 400)),
    "a key twice": LINES[0] + LINES[1] + LINES[1] + b"".join(LINES[2:]),
    "a list": b"---\n- intent\n",
    "a word": b"---\nintent\n",
    "a key that is a list": b"---\n? [intent]\n: x\n",
    "prompts that are a word": b'---\nintent: "00000000000000aa"\nprompts: x\n',
    "prompts that are words": b'---\nintent: "00000000000000aa"\nprompts: [x]\n',
    "a prompt without text": b'---\nintent: "00000000000000aa"\nprompts: [{at: x}]\n',
    "an id that is none": b"---\nintent: ../../etc/passwd\nprompts: []\n",
    "an id that is a list": b"---\nintent: [a]\nprompts: []\n",
    "an id with an escape": b'---\nintent: "\\e[2J\\nerror: no"\nprompts: []\n',
    "ranges that are none": b'---\nbinding: "00000000000000aa"\nhand: {a: [x]}\n',
    "a broken tombstone": b"---\npurge: x\n",
    "a tag": b"---\n!!python/object/apply:os.system ['touch pwned']\n",
    "sorted lines": b"".join(sorted(set(LINES))),
    "conflict markers": b"<<<<<<< ours\n" + GOOD + b"=======\n" + CLAIM + b">>>>>>> theirs\n",
    "cut off": GOOD[:90],
    "a document too long": b"---\nx: " + b"a" * (1 << 20) + b"\n",
    "parts that are not there": GOOD.replace(b"redacted: 0\n", b"redacted: 0\nparts: [" + b"a" * 64 + b"]\n"),
    "many broken documents": b"".join(b"---\nx: [%d\n" % at for at in range(3000)),
}
"""Each holds at least one document that nobody can read."""

READABLE: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b"\n \n\t\n---\n---\n\n",
    "line endings of Windows": GOOD.replace(b"\n", b"\r\n"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a later format": GOOD.replace(b"format: 1", b"format: 99"),
    "an unknown kind": b"---\nfuture: {a: [b]}\nformat: 1\n",
    "unknown keys": GOOD.replace(b"origin: captured", b"origin: captured\nmood: good"),
    "everything twice": GOOD + GOOD,
    "two claims": GOOD + CLAIM,
    "a binding alone": encode(Binding(IntentId("00000000000000dd"), ("a.py",))),
    "an intent alone": CLAIM,
    "wrong types": b'---\nintent: "00000000000000aa"\nprompts: []\norigin: {a: b}\nauthor: [x]\nagent: 7\n'
    b"revision: -1\nsupersedes: x\nredacted: [1]\nformat: 1.5\n",
    "huge numbers": GOOD.replace(b"revision: 1", b"revision: " + b"9" * 5000),
    "a tombstone for nothing": encode(Tombstone(ONE, "ab" * 32)),
    "words that drive terminals": encode(
        Intent(
            ONE, (Prompt(EVIL, answers=EVIL, refs=(EVIL,)),), "captured", EVIL, Agent(EVIL, EVIL, EVIL), EVIL
        )
    )
    + encode(Binding(ONE, (EVIL,), (EVIL,), {EVIL: (LineRange(1, 2),)}, checks={"verdict": EVIL})),
    "paths that lead out": encode(
        Binding(
            ONE,
            ("../../out", "/etc/passwd", ".git/hooks/pre-commit", "a/../../out", "", "-x", "a\0b"),
            ("../x",),
            {"../../out": (LineRange(1, 9),), ".git/config": (LineRange(1, 1),)},
            "../../base",
            "--output=out",
        )
    )
    + CLAIM,
    "a path that is not UTF-8": encode(Binding(ONE, ("\udcff.py",), (), {"\udcff.py": ()})) + CLAIM,
    "lines far out": encode(
        Binding(ONE, ("a.py",), (), {"a.py": (LineRange(999_999_999, 1), LineRange(0, 0))})
    )
    + CLAIM,
}
"""Each can be read, as far as there is something to read."""

ALL = {**BROKEN, **READABLE}
