"""What can go wrong, and the exit code it ends in.

    FeatherDepthError            1   base; also the code for "unexpected", then with traceback
      UsageError                 2   a flag, name or recipe key that does not exist or fit
      InputError                 3   a photo, map or data set missing, unreadable, not as promised
      WeightsError               4   missing file, wrong sha256, keys or shapes that do not match
      BackendError               5   backend not installed, operator not supported
      RunError                   6   a run that cannot go on: NaN loss, no space, out of memory
    Ctrl-C                     130

A message is one line: what - found - expected - next step.
Wrong use inside Python code stays `ValueError` or `TypeError`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import ClassVar


def printable(text: str) -> str:
    r"""On one line, with what a terminal would not show as it is escaped: \x1b, \u202e."""
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    if character in "\t\r\n":
        return " "
    # A byte of a name that is not text comes as half of a pair: "\udce9" is byte e9.
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def suggestion(
    name: str,
    known: Iterable[str],
    otherwise: str = "",
    elsewhere: Mapping[str, str] | None = None,
) -> str:
    """What to write in place of an unknown name: the nearest that is known, or all of them.

    Args:
        otherwise: in place of all of them.
        elsewhere: name -> how it is written here, of those that are known in another place.
    """
    names = list(known)
    written = {**(elsewhere or {}), **{one: one for one in names}}
    near = get_close_matches(name, written, n=1)
    if near:
        return f"did you mean {written[near[0]]!r}?"
    return otherwise or f"known: {', '.join(names)}"


class FeatherDepthError(Exception):
    """Base of every error that is meant for a person; printed as one line.

    Names of files may hold line ends and commands to the terminal: those are shown, not sent.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class UsageError(FeatherDepthError):
    """A flag, name or recipe key that does not exist or does not fit."""

    exit_code = 2


class InputError(FeatherDepthError):
    """A photo, map or data set that is missing, unreadable, or not as promised."""

    exit_code = 3


class WeightsError(FeatherDepthError):
    """A weights file that is missing, damaged, or does not match its network."""

    exit_code = 4


class BackendError(FeatherDepthError):
    """A backend or optional package that is not installed or cannot do what was asked."""

    exit_code = 5


class RunError(FeatherDepthError):
    """A run that cannot go on: NaN loss, no space left, out of memory."""

    exit_code = 6


@contextmanager
def needing(what: str, extra: str, package: str | None = None) -> Iterator[None]:
    """Around imports that `what` needs and a plain installation may lack.

    Args:
        what: begins the message, such as "training".
        extra: of featherdepth that brings them.
        package: what to install, where it has another name than what is imported.

    Raises:
        BackendError: one of them fails; the message has the install line.
    """
    try:
        yield
    except ImportError as error:
        raise BackendError(
            f"{what} needs {package or error.name or error}; pip install 'featherdepth[{extra}]'"
        ) from error
