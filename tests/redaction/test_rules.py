"""Secrets go, everything else stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.redaction import redact
from regen_git.redaction.rules import RULES

# Put together here, so that no scanner takes this file for a leak.
SECRETS = {
    "aws-access-key": "AKIA" + "IOSFODNN7EXAMPLE",
    "github-token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "gitlab-token": "glpat-" + "x1Y2z3A4b5C6d7E8f9G0",
    "anthropic-key": "sk-ant-" + "api03-AbCdEf0123456789_-AbCdEf0123456789",
    "openai-key": "sk-" + "proj-AbCdEf0123456789AbCdEf0123456789",
    "stripe-key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "slack-token": "xoxb-" + "123456789012-abcdefGHIJKL",
    "google-api-key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "npm-token": "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0In0." + "dozjgNryP4J3jVmNHl0w5N",
}

PARTS = [
    *SECRETS.values(),
    "password=hunter2",
    "https://ada:s3cret@example.org/x",
    "Authorization: Bearer abc.def-123456",
    "API_KEY=q8Zk2Lm9Xw4Rt7Yb",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "[redacted:jwt]",
    "plain words",
    " ",
    "\n",
    "=",
    ":",
    '"',
    "@",
    "password",
    "_KEY=",
    "Bearer ",
]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("around", ["{}", "use {} here", "key={}\n", '"{}"', "({}),", "{}."])
def test_a_known_kind_of_secret_is_replaced_by_its_name(name: str, around: str) -> None:
    done = redact(around.format(SECRETS[name]))
    assert SECRETS[name] not in done.text
    assert f"[redacted:{name}]" in done.text
    assert done.count == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2", "password=[redacted:password]"),
        ('password: "correct horse"', 'password: "correct horse"'),
        ("password = 'tr0ub4dor&3'", "password = '[redacted:password]'"),
        ("the password is hunter2, ok", "the password is [redacted:password], ok"),
        ("curl https://ada:s3cret@example.org/x", "curl https://ada:[redacted:url-password]@example.org/x"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted:authorization]"),
        (
            '{"Authorization": "Basic YWRhOmxvdmVsYWNl"}',
            '{"Authorization": "Basic [redacted:authorization]"}',
        ),
        ("STRIPE_SECRET=q8Zk2Lm9Xw4Rt7Yb", "STRIPE_SECRET=[redacted:secret]"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_secret_access_key = [redacted:aws-secret-key]",
        ),
    ],
)
def test_values_are_replaced_and_their_names_stay(text: str, expected: str) -> None:
    assert redact(text).text == expected


def test_a_private_key_goes_as_a_whole_even_when_its_end_is_missing() -> None:
    block = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n"
    assert (
        redact("see " + block + "-----END OPENSSH PRIVATE KEY----- ok").text
        == "see [redacted:private-key] ok"
    )
    assert redact("see " + block).text == "see [redacted:private-key]"


@pytest.mark.parametrize(
    "text",
    [
        "fix src/regen_git/capture/password_reset.py and tests/test_token.py",
        "revert 3f9c2a7be01d4c55aa0b1c2d3e4f5a6b7c8d9e0f",
        "password = getpass.getpass()",
        "def login(user: str, password: str | None = None) -> Token: ...",
        "connect(password=password, token=token)",
        "rename API_KEY to OPENAI_API_KEY_V2",
        "SECRET_KEY = settings.SECRET_KEY",
        "export TOKEN=$GITHUB_TOKEN",
        "password=${DB_PASSWORD}",
        "sk-learn-is-not-a-key and task-force-of-the-month",
        "the bearer of this message",
        "Use a primary key: user_id, and a foreign key: account_id",
        "git clone https://example.org/a:b/c",
        "time 12:30@noon, mail ada@example.org",
        "cache_key = compute_the_cache_key",
    ],
)
def test_paths_ids_and_names_in_code_are_not_secrets(text: str) -> None:
    done = redact(text)
    assert (done.text, done.count) == (text, 0)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=8)), max_size=12))
def test_redacting_again_changes_nothing(parts: list[str]) -> None:
    once = redact("".join(parts))
    again = redact(once.text)
    assert (again.text, again.count) == (once.text, 0)


@pytest.mark.parametrize(
    "unit",
    [
        "sk-",
        "eyJ-",
        "_KEY=",
        "password ",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        "Bearer ",
        "a_",
        "key key=",
        "AKIA",
    ],
)
def test_time_grows_with_the_text_and_not_faster(unit: str) -> None:
    def took(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        redact(text)
        return time.process_time() - start

    took(10_000)
    small, large = took(20_000), took(200_000)
    assert large < 60 * max(small, 0.004)


def test_every_rule_names_words_that_its_matches_hold() -> None:
    for name, secret in SECRETS.items():
        rule = next(rule for rule in RULES if rule.name == name)
        assert any(hint in secret.lower() for hint in rule.hints)
