"""How help is laid out: flags under the headings of their groups, names never broken."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import click

from hook.settings.setting import Group

# A term that takes more of the line stands on a line of its own.
_TERM_SHARE = 3
_LEAST_WIDTH = 20


class _Formatter(click.HelpFormatter):
    """Breaks lines at blanks only: half a variable's name or value means nothing."""

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write terms and what they mean in two columns."""
        listed = list(rows)
        longest = max(len(term) for term, _ in listed)
        column = min(longest, col_max, self.width // _TERM_SHARE) + col_spacing
        indent = " " * (self.current_indent + column)
        for term, meaning in listed:
            lead = " " * self.current_indent + term
            text = textwrap.fill(
                meaning,
                max(self.width, len(indent) + _LEAST_WIDTH),
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            if len(term) + col_spacing <= column:
                self.write(f"{lead.ljust(len(indent))}{text.lstrip()}\n")
            else:
                self.write(f"{lead}\n{text}\n")


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """A command whose help shows the flags under the headings of their groups."""

    context_class = _Context

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section per group, that of the command's own flags first."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            # An argument is part of the usage line, and has nothing to say here.
            if record is not None and record[1]:
                group = getattr(parameter, "group", None)
                heading = group.value if isinstance(group, Group) else "Options"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class Commands(click.Group):
    """A program of such commands."""

    context_class = _Context
