"""`server.py user`: accounts by the command line; a password is never an argument."""

import io
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

import pytest

from models.accounts import command as user_command
from models.accounts.account import verify
from models.database.engines import Database
from models.errors import InvalidCredentials
from tests.requests import rows
from tests.writing import PASSWORD, make_user, signed_in


def parse(*arguments: str) -> Namespace:
    parser = ArgumentParser()
    user_command.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Answers the prompts of a terminal, in order."""
    lines: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(user_command, "getpass", lambda _prompt: lines.pop(0))
    yield lines
    assert lines == []


def pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_add_asks_for_the_password_twice(
    fresh: Database, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed += [PASSWORD, PASSWORD]
    assert user_command.run(parse("add", "anna", "--role", "admin"), fresh) == 0
    assert capsys.readouterr() == ("anna is a user now, with the role admin\n", "")
    assert verify(fresh, "anna", PASSWORD, "").role == "admin"
    [(actor,)] = rows(fresh, "SELECT actor FROM changes")
    assert actor.startswith("cli:")


def test_add_refuses_two_different_passwords(
    fresh: Database, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed += [PASSWORD, "another horse battery"]
    assert user_command.run(parse("add", "anna"), fresh) == 1
    assert capsys.readouterr() == ("", "error: The two passwords are not the same.\n")
    assert rows(fresh, "SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nmore"])
def test_add_reads_the_password_from_a_pipe(
    fresh: Database, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    pipe(monkeypatch, PASSWORD + end)
    assert user_command.run(parse("add", "anna", "--password-stdin"), fresh) == 0
    assert verify(fresh, "anna", PASSWORD, "").role == "viewer"


def test_add_does_not_wait_for_a_terminal_that_is_not_there(
    fresh: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, PASSWORD)
    assert user_command.run(parse("add", "anna"), fresh) == 1
    assert "--password-stdin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("anna", PASSWORD, "There is, or was, a user 'anna': no name is given twice."),
        ("Anna", PASSWORD, "There is, or was, a user whose name differs only by case."),
        (
            "ben",
            "qwertyuiopas",
            "It must not be a sequence, such as of the alphabet, of numbers or of keys side by side.",
        ),
        ("ben", "short", "It has from 12 to 200 characters."),
        ("a longer name", "A LONGER NAME", "It must not be the username."),
    ],
)
def test_add_says_why_not(
    fresh: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    password: str,
    reason: str,
) -> None:
    make_user(fresh, "anna")
    pipe(monkeypatch, password)
    assert user_command.run(parse("add", name, "--password-stdin"), fresh) == 1
    assert capsys.readouterr() == ("", f"error: {reason}\n")
    assert rows(fresh, "SELECT username FROM users") == [("anna",)]


def test_list_shows_names_and_roles_and_nothing_secret(
    fresh: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert user_command.run(parse("list"), fresh) == 0
    assert "server.py user add NAME --role admin" in capsys.readouterr().out
    make_user(fresh, "ben", "operator")
    make_user(fresh, "anna", "admin")
    assert user_command.run(parse("list"), fresh) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["anna", "admin"], ["ben", "operator"]]
    assert "argon2" not in "".join(lines)


def test_set_role_keeps_an_admin(fresh: Database, capsys: pytest.CaptureFixture[str]) -> None:
    make_user(fresh, "anna", "admin")
    assert user_command.run(parse("set-role", "anna", "viewer"), fresh) == 1
    assert capsys.readouterr().err == "error: This is the last admin: make another one first.\n"
    make_user(fresh, "ben", "admin")
    assert user_command.run(parse("set-role", "anna", "viewer"), fresh) == 0
    assert rows(fresh, "SELECT role FROM users ORDER BY user_id") == [("viewer",), ("admin",)]


def test_set_password_ends_all_sessions(
    fresh: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_user(fresh, "anna")
    signed_in(fresh, "anna")
    pipe(monkeypatch, "another horse battery\n")
    assert user_command.run(parse("set-password", "anna", "--password-stdin"), fresh) == 0
    assert capsys.readouterr().out == "anna has another password now; sessions ended: 1\n"
    assert verify(fresh, "anna", "another horse battery", "").user_id == 1
    with pytest.raises(InvalidCredentials):
        verify(fresh, "anna", PASSWORD, "")


def test_remove_takes_the_sessions_along(fresh: Database) -> None:
    make_user(fresh, "anna")
    signed_in(fresh, "anna")
    assert user_command.run(parse("remove", "anna"), fresh) == 0
    living = "SELECT count(*) FROM users, sessions WHERE removed_at IS NULL OR revoked_at IS NULL"
    assert rows(fresh, living) == [(0,)]


def test_name_of_a_removed_user_is_not_given_again(
    fresh: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_user(fresh, "anna", "admin")
    make_user(fresh, "ben", "admin")
    assert user_command.run(parse("remove", "anna"), fresh) == 0
    pipe(monkeypatch, PASSWORD)
    assert user_command.run(parse("add", "anna", "--password-stdin"), fresh) == 1
    assert "was, a user 'anna': no name is given twice." in capsys.readouterr().err
    assert user_command.run(parse("remove", "anna"), fresh) == 1
    assert user_command.run(parse("list"), fresh) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [", removed " in line for line in lines] == [True, False]


@pytest.mark.parametrize(
    "arguments", [("remove", "eve"), ("set-role", "eve", "viewer"), ("set-password", "eve")]
)
def test_user_who_does_not_exist_is_an_error(
    fresh: Database, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert user_command.run(parse(*arguments), fresh) == 1
    assert capsys.readouterr() == ("", "error: There is no user 'eve'.\n")


@pytest.mark.parametrize(
    "arguments",
    [(), ("add",), ("add", "anna", "--role", "public"), ("add", "anna", "--password", PASSWORD)],
)
def test_password_is_no_argument_and_public_no_role(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""
