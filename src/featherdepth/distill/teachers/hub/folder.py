"""Find the files of a transformers model, on this machine or on the hub, and what they say.

Only what is needed is fetched: configuration, model card and safetensors weights. Pickled weights
and code of a repository are neither fetched nor read. `HF_HUB_OFFLINE=1` and `HF_HOME` are heeded.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from featherdepth.config import read_json
from featherdepth.data.storage import is_inside
from featherdepth.errors import BackendError, InputError, UsageError, WeightsError
from featherdepth.networks.folder import CARD, CONFIG, WEIGHTS

INDEX = "model.safetensors.index.json"
PREPROCESSOR = "preprocessor_config.json"
FETCHED = [CONFIG, PREPROCESSOR, CARD, WEIGHTS, INDEX, "model-*.safetensors"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HubFolder:
    """A folder with a transformers model in it."""

    path: Path
    name: str
    """For people: owner/name, or the folder's name."""

    def config(self) -> dict[str, Any]:
        """config.json.

        Raises:
            WeightsError: it is missing or not JSON.
        """
        return self._json(CONFIG, "the network's settings")

    def preprocessor(self) -> dict[str, Any]:
        """preprocessor_config.json.

        Raises:
            WeightsError: it is missing or not JSON.
        """
        return self._json(PREPROCESSOR, "how photos are resized and normalized; a guess would show")

    def license(self) -> str:
        """`license` of the model card's front matter; its name where that is "other"; or empty."""
        try:
            text = (self.path / CARD).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        front = re.match(r"\ufeff?---\s*\n(.*?)\n---", text, re.DOTALL)
        found = _front_matter(front.group(1)) if front else {}
        name = found.get("license", "")
        return found.get("license_name", name) if name.lower() == "other" else name

    def weights(self) -> list[Path]:
        """The safetensors files, sorted.

        Raises:
            WeightsError: there are none, one is missing, or the index points elsewhere.
        """
        if (self.path / WEIGHTS).is_file():
            return [self.path / WEIGHTS]
        if not (self.path / INDEX).is_file():
            pickled = any(self.path.glob("*.bin")) or any(self.path.glob("*.pth"))
            found = (
                "has pickled weights, which could run code and are not read; " if pickled else ""
            )
            raise WeightsError(
                f"teacher {self.name}: {found}expected {WEIGHTS} in {self.path}; save it anew with"
                " safe_serialization where you trust it"
            )
        names = self._json(INDEX, "the list of weights").get("weight_map")
        if not isinstance(names, dict) or not all(
            isinstance(n, str) and is_inside(n) and n.endswith(".safetensors")
            for n in names.values()
        ):
            raise WeightsError(f"teacher {self.name}: {INDEX} does not list files of its folder")
        files = [self.path / name for name in sorted(set(names.values()))]
        for file in files:
            if not file.is_file():
                raise WeightsError(f"teacher {self.name}: {file.name} is missing; fetch it again")
        return files

    def digest(self) -> str:
        """sha256 over weights, settings and preprocessing."""
        total = hashlib.sha256()
        for file in self.weights():
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        for table in (self.config(), self.preprocessor()):
            total.update(json.dumps(table, sort_keys=True).encode())
        return total.hexdigest()

    def _json(self, file: str, holds: str) -> dict[str, Any]:
        if not (self.path / file).is_file():
            raise WeightsError(
                f"teacher {self.name}: has no {file}; expected it in {self.path}: it says {holds}"
            )
        try:
            return read_json(self.path / file)
        except InputError as error:
            raise WeightsError(f"teacher {self.name}: {error}") from error


def is_transformers_folder(path: Path) -> bool:
    """Whether config.json in there is one of transformers, not a model folder of this package."""
    try:
        table = read_json(path / CONFIG)
    except InputError:
        return False
    return "network" not in table and ("model_type" in table or "architectures" in table)


def find_folder(reference: str) -> HubFolder:
    """The folder that `owner/name[@revision]` or a path names; fetched if it is on the hub.

    Raises:
        UsageError: neither of both, or the hub has no such repository.
        WeightsError: the hub cannot be reached, or the folder does not exist.
        BackendError: huggingface_hub is not installed.
    """
    path = Path(reference).expanduser()
    if reference.startswith((".", "~")) or path.is_absolute():
        if not path.is_dir():
            raise WeightsError(f"teacher hf:{reference}: no such folder; expected one there")
        return HubFolder(path=path, name=path.resolve().name)
    repository, _, revision = reference.partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or (not revision and "@" in reference):
        hint = f"did you mean hf:./{reference}?" if path.is_dir() else "or hf:./folder"
        raise UsageError(f"teacher hf:{reference}: expected hf:owner/name[@revision]; {hint}")
    return HubFolder(path=_fetch(repository, revision or None), name=reference)


def need(package: str, reference: str) -> None:
    """Stop if an optional package is absent.

    Raises:
        BackendError: it is; the message has the install line.
    """
    if find_spec(package) is None:
        raise BackendError(
            f"teacher {reference}: needs {package}, which is not installed;"
            " pip install 'featherdepth[teachers]'"
        )


def _fetch(repository: str, revision: str | None) -> Path:
    need("huggingface_hub", f"hf:{repository}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"teacher hf:{repository}" + (f"@{revision}" if revision else "")
    try:
        with _no_bars():
            found = snapshot_download(repository, revision=revision, allow_patterns=FETCHED)
    except GatedRepoError as error:
        raise UsageError(
            f"{where}: its author wants terms to be accepted; accept them on its page, then log in"
        ) from error
    except RepositoryNotFoundError as error:
        raise UsageError(f"{where}: the hub shows no such repository; check the name") from error
    except RevisionNotFoundError as error:
        raise UsageError(f"{where}: the repository has no such revision") from error
    except HFValidationError as error:
        raise UsageError(f"{where}: not a name of the hub; expected hf:owner/name") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise WeightsError(
            f"{where}: not in the cache of this machine, and the hub cannot be reached; fetch it"
            " once with a connection, or name a folder: hf:./folder"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{where}: cannot fetch it: {reason}") from error
    return Path(found)


@contextmanager
def _no_bars() -> Iterator[None]:
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _front_matter(text: str) -> dict[str, str]:
    """Plain `key: value` lines of YAML, and the first item of a list."""
    found: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if match := re.match(r"([A-Za-z_]\w*)\s*:\s*(.*)$", line):
            key = match.group(1)
            found[key] = _plain(match.group(2))
        elif (item := re.match(r"\s*-\s+(.*)$", line)) and found.get(key) == "":
            found[key] = _plain(item.group(1))
    return found


def _plain(value: str) -> str:
    return value.partition(" #")[0].strip().strip("\"'[]").strip()
