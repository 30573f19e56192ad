"""A script, or a part of one, as statements that are sent one by one without a wait in between.

The server parses each when it comes to it, by the settings that are then in force, and
holds no more than one. COPY with the client is not to be had that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hook.core.execution.script_message import Found, Moment, Own, ScriptMessage
from hook.core.execution.sqlstate import ServerMessage
from hook.core.sql.lexer import TokenKind
from hook.core.sql.statement_list import Statement, StatementList

# protocol_violation: as many values are bound as were sent, which is none;
# ambiguous_parameter and indeterminate_datatype: nothing tells the type of a value to come.
_OF_PARAMETERS = frozenset({"08P01", "42P08", "42P18"})
_UNDEFINED_PARAMETER = "42P02"


@dataclass(frozen=True, slots=True)
class StatementStream:
    """Statements of ours, and some of the script behind them, at least one.

    Attributes:
        statements: Those of the script, in the order sent.
    """

    statements: StatementList
    before: tuple[Own, ...] = ()

    @property
    def count(self) -> int:
        """Return the number of all statements."""
        return len(self.before) + len(self.statements)

    def texts(self) -> Iterator[bytes]:
        """Yield what is sent, UTF-8."""
        for item in self.before:
            yield item.sql.encode()
        for statement in self.statements:
            yield statement.sql

    def sent_with(self, index: int) -> bytes:
        """Return the text in which the server counts the position of an error at *index*."""
        if index < len(self.before):
            return self.before[index].sql.encode()
        return self._statement(index).sql

    def find(self, index: int, offset: int | None) -> Found:
        """Return what an error belongs to.

        Args:
            index: How many statements finished before the error.
            offset: Of the error in the statement, in bytes, if it is about a place in it.
        """
        if index < len(self.before):
            return Found(self.before[index].moment)
        statement = self._statement(index)
        place = min(statement.start + (offset or 0), statement.end)
        return Found(Moment.SCRIPT, statement, statement.source.line_at(place))

    def as_in_message(self, index: int, failure: ServerMessage) -> ServerMessage:
        """Return *failure* of the statement at *index* as it would be in a message.

        A message has no parameters; of a statement by itself ``$1`` is one that is to be
        bound. That there is nothing to bind would else pass for a broken connection.
        """
        if index < len(self.before) or failure.sqlstate not in _OF_PARAMETERS:
            return failure
        statement = self._statement(index)
        kinds = (item for item in statement.tokens() if item.kind is TokenKind.PARAMETER)
        parameter = next(kinds, None)
        if parameter is None:
            return failure
        ahead = statement.source.sql[statement.start : parameter.start].decode()
        problem = f"there is no parameter {parameter.text}"
        return ServerMessage("ERROR", _UNDEFINED_PARAMETER, problem, position=len(ahead) + 1)

    def _statement(self, index: int) -> Statement:
        return self.statements[min(index, self.count - 1) - len(self.before)]


Sendable = ScriptMessage | StatementStream
"""What is sent at once and costs one round trip, but for COPY."""
