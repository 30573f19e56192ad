"""The syntax stage on scripts that a test writes down as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hook.core.execution.syntax_probe import SyntaxLimits
from hook.core.outcome import Finding
from hook.core.scripts.script import Migration
from hook.core.sql.statement_list import StatementList
from hook.errors import ExitCode
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.syntax import SyntaxStage
from tests.testbed.release import migration, parse_script, prepared_script


@dataclass(frozen=True, slots=True)
class SyntaxCheck:
    """The stage on one session.

    Attributes:
        on_read: Called with the name of each script when it is read.
    """

    ctx: Context
    session: Session
    limits: SyntaxLimits = field(default_factory=SyntaxLimits)
    on_read: Callable[[str], object] = str

    def run(self, scripts: Mapping[str, str]) -> Finding:
        """Return the finding on *scripts*, text by file name."""

        def read(item: Migration) -> StatementList:
            self.on_read(item.script)
            return parse_script(item, scripts[item.script].encode(), allows_mixed=True).body

        pending = tuple(
            prepared_script(migration(name), text.encode(), allows_mixed=True)
            for name, text in scripts.items()
        )
        outcome = SyntaxStage(read, self.limits).run(self.ctx, self.session, pending)
        (finding,) = outcome.findings
        return finding

    def problems(self, scripts: Mapping[str, str]) -> tuple[str, ...]:
        """Return what is told of *scripts*, which must be refused."""
        finding = self.run(scripts)
        assert (finding.code, finding.rule) == (ExitCode.BAD_SET, "syntax")
        return finding.problems
