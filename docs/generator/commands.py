"""The page of the command line: each subcommand with its arguments."""

import argparse
from collections.abc import Iterator
from importlib import import_module

from docs.generator.markdown import code, paragraph, table
from exchange.csv.importers.registry import IMPORTERS
from exchange.csv.report.field_help import describe_fields
from serving.cli import COMMANDS

_INTRODUCTION = """# Command line

All commands are run as `.venv/bin/python server.py COMMAND`; `--help` after a command prints its
arguments. The settings of the environment apply to every command, see [Settings](settings.md).

Exit codes: 0 is success; 1 means that something is missing, rejected or not verified; 2 means that an
argument, a setting or a file cannot be used; 130 means that Ctrl-C ended the command.
"""


def render_commands() -> str:
    """Return the page as Markdown."""
    summary = table(
        ("command", "purpose"),
        [
            (f"[`{name}`](#{name})", paragraph(_capitalised(command.summary)))
            for name, command in COMMANDS.items()
        ],
    )
    sections = (_section(name) for name in COMMANDS)
    return "\n".join((_INTRODUCTION, summary, *sections, _import_fields()))


def _section(name: str) -> str:
    command = COMMANDS[name]
    parser = argparse.ArgumentParser(name, add_help=False)
    if command.module:
        import_module(command.module).add_arguments(parser)
    return "\n".join((f"\n## {name}\n", _body(parser, name, command.summary)))


def _body(parser: argparse.ArgumentParser, usage: str, summary: str | None) -> str:
    """Return the summary, usage and arguments of a parser, and then those of its own subcommands."""
    parts = [paragraph(_capitalised(summary or "")), ""]
    nested = [found for found in parser._actions if isinstance(found, argparse._SubParsersAction)]
    if not nested:
        parts += ["```text", " ".join((f"server.py {usage}", *_usage(parser))), "```", ""]
        rows = [(code(_name(action)), paragraph(_help(action))) for action in _arguments(parser)]
        if rows:
            parts += [table(("argument", ""), rows), ""]
    for group in nested:
        # argparse keeps the help of subcommands beside them; it has no public way to read either.
        told = {found.dest: found.help for found in group._choices_actions}
        for name, child in group.choices.items():
            parts += [f"### {usage} {name}", "", _body(child, f"{usage} {name}", told.get(name))]
    return "\n".join(parts)


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if action.dest != "help")


def _usage(parser: argparse.ArgumentParser) -> Iterator[str]:
    actions = sorted(_arguments(parser), key=lambda action: bool(action.option_strings))
    for action in actions:
        optional = not action.required
        yield f"[{_name(action)}]" if optional else _name(action)


def _name(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return value
    return " ".join(filter(None, (action.option_strings[-1], value if action.nargs != 0 else "")))


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "|".join(map(str, action.choices))
    return action.dest.upper()


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default))
    choices = ", ".join(map(str, action.choices or ()))
    if choices and isinstance(action.metavar, str) and choices not in text:
        text = f"{text} ({choices})"
    return _capitalised(text)


def _import_fields() -> str:
    blocks = (f"```text\n{describe_fields(kind)}\n```\n" for kind in IMPORTERS.values())
    return "\n".join(("\n### Fields of imported files\n", *blocks))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
