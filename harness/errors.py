"""Everything that means "we could not tell", as opposed to "the service is wrong" (a ``Finding``).

    HarnessError
    ├── ContractError      a contract cannot be read or does not make sense
    ├── UsageError         the command line asks for what cannot be
    ├── PortInUse          a port that we were asked to listen on is taken
    ├── BrokerError        Kafka cannot be reached or refused
    │   └── RecordTooLarge     a record is larger than Kafka takes
    ├── TargetError        a service under test cannot be reached
    ├── StateError         a provider state cannot be made
    ├── TokenError         a token cannot be had
    └── ProcessError       a child process did not start or died

Each becomes one paragraph for the user and exit code 2; none reaches the user as a traceback.
"""

from __future__ import annotations


class HarnessError(Exception):
    """Could not tell. All four parts are whole phrases in the user's language.

    where: the place (``file:line``, an address, an option); found: what is there; expected: what should
    be; remedy: what to do next. Empty parts are left out of the paragraph.
    """

    def __init__(self, where: str, found: str, expected: str = "", remedy: str = "") -> None:
        self.where, self.found, self.expected, self.remedy = where, found, expected, remedy
        super().__init__(self.paragraph())

    def paragraph(self) -> str:
        """One paragraph: where, what was found, what was expected, what to do."""
        text = f"{self.where}: {_sentence(self.found)}" if self.where else _sentence(self.found)
        if self.expected:
            text += f" Expected: {_sentence(self.expected)}"
        if self.remedy:
            text += f" {_sentence(self.remedy)}"
        return text


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


class ContractError(HarnessError):
    """A contract cannot be read or does not make sense."""


class UsageError(HarnessError):
    """The command line asks for what cannot be."""


class PortInUse(HarnessError):
    """A port that we were asked to listen on is taken."""


class BrokerError(HarnessError):
    """Kafka cannot be reached, or refused."""


class RecordTooLarge(BrokerError):
    """A record is larger than Kafka takes: sending it again is no use."""


class TargetError(HarnessError):
    """A service under test cannot be reached."""


class StateError(HarnessError):
    """A provider state cannot be made."""


class TokenError(HarnessError):
    """A token cannot be had."""


class ProcessError(HarnessError):
    """A child process did not start, or died."""
