"""The command line cut up, in presync's form, in Flyway's, and both mixed."""

from __future__ import annotations

import pytest

from hook.command_line import CommandLine, asked_command, cut_command_line
from hook.errors import BadFlags, ExitCode, Unsupported


def cut(text: str) -> CommandLine:
    """Return *text*, blank-separated, cut up."""
    return cut_command_line(text.split())


@pytest.mark.parametrize(
    ("text", "commands", "own", "flyway"),
    [
        ("", "", "", ""),
        ("run --deadline 3m", "run", "--deadline 3m", ""),
        ("--deadline=3m run", "run", "--deadline=3m", ""),
        ("repair --version 5 --yes", "repair", "--version 5 --yes", ""),
        ("plan --sql info", "plan info", "--sql", ""),
        ("lint a b", "lint", "a b", ""),
        ("demo --samples x", "demo", "--samples x", ""),
        ("migrate", "run", "", ""),
        ("info migrate info", "info run info", "", ""),
        ("-url=u -user=me migrate", "run", "", "-url=u -user=me"),
        ("migrate -placeholders.a=b --table t -x=y", "run", "--table t", "-placeholders.a=b -x=y"),
        ("-outputType=json info", "info", "--format json", ""),
        ("-outputFile=r.json migrate", "run", "--report r.json", ""),
        ("-workingDirectory=p migrate", "run", "--working-directory p", ""),
        ("-? migrate", "run", "--help", ""),
        ("help", "", "--help", ""),
        ("-h", "", "--help", ""),
        ("--version", "", "--version", ""),
        ("migrate -v", "", "--version", ""),
        ("version", "", "--version", ""),
    ],
)
def test_line_is_cut_up(text: str, commands: str, own: str, flyway: str) -> None:
    """Commands in order, own flags with their values, Flyway's settings."""
    line = cut(text)
    found = (" ".join(line.commands), " ".join(line.own), " ".join(line.flyway))
    assert found == (commands, own, flyway)


def test_switches_of_flyway_are_ignored_with_a_note() -> None:
    """None of them changes what a migration does."""
    line = cut("-X -q -n -skipCheckForUpdate -communityFallback -color=always migrate")
    assert (line.commands, line.own, line.flyway) == (("run",), (), ())
    assert [note.partition(" is ignored: ")[0] for note in line.notes] == [
        "-X", "-q", "-n", "-skipCheckForUpdate", "-communityFallback", "-color=always",
    ]  # fmt: skip


def test_flags_of_info_go_to_info_alone() -> None:
    """Between other commands too."""
    line = cut("-infoOfState=pending -migrationIds migrate info")
    assert line.words_of("run") == ["run"]
    assert line.words_of("info") == ["info", "--of-state", "pending", "--ids"]
    assert cut("-migrationIds migrate").notes == ("--ids is ignored: info is not asked for",)


def test_colour_is_taken() -> None:
    """It is no setting."""
    assert cut("-color=never migrate").is_colourless
    assert not cut("-color=auto migrate").is_colourless


@pytest.mark.parametrize("name", ["clean", "undo", "snapshot", "deploy", "auth"])
def test_command_of_flyway_that_is_not_there_is_refused_by_name(name: str) -> None:
    """Before any other one runs."""
    with pytest.raises(Unsupported, match=f"there is no command {name}: ") as refused:
        cut(f"migrate {name}")
    assert refused.value.exit_code is ExitCode.UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("migrat", "no such command 'migrat'; did you mean migrate?"),
        ("info nonsense", "no such command 'nonsense'"),
        ("-skipCheckForUpdates migrate", "did you mean -skipCheckForUpdate?"),
        ("-url", "-url is not a flag"),
        ("-color=red migrate", "-color: 'red' is not auto, always or never"),
    ],
)
def test_unknown_words_are_refused(text: str, problem: str) -> None:
    """With what was probably meant."""
    with pytest.raises(BadFlags) as refused:
        cut(text)
    assert problem in refused.value.message


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", ""),
        ("--nonsense", ""),
        ("-url migrate", "run"),
        ("-url clean", "clean"),
        ("migrate -color=red clean", "clean"),
        ("info rnu migrate", "rnu"),
        ("--log-format text rnu", "rnu"),
        ("lint rnu", "lint"),
        ("demo --samples x y", "demo"),
    ],
)
def test_what_is_asked_for_is_told_of_a_line_that_is_refused(text: str, command: str) -> None:
    """A command that does not exist is never told as one that does."""
    assert asked_command(text.split()) == command
