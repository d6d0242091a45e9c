"""TOML to a :class:`~bench.catalog.model.Catalog`, with messages that name the key; finds a diagnostic by its name."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from bench.catalog.model import TORCH, Catalog, Command, Device, Diagnostic, Profile, Variant
from bench.errors import UsageError


class _Profile(msgspec.Struct, forbid_unknown_fields=True):
    env: dict[str, str] = {}
    ceiling_s: float | None = None


class _Diagnostic(msgspec.Struct, forbid_unknown_fields=True):
    node: str | msgspec.UnsetType = msgspec.UNSET
    command: tuple[str, ...] | None = None
    shell: bool = False
    prepare: str | None = None
    input: str | None = None
    expect_exit: int = 0
    warmup: int = 0
    about: str = ""
    devices: tuple[Device, ...] = ("cpu",)
    ceiling_s: float | None = None
    timeout_s: float = 1200.0
    env: dict[str, str] = {}
    image: str | None = None
    requirements: str | None = None
    profiles: dict[str, _Profile] = {}


class _Variant(msgspec.Struct, forbid_unknown_fields=True):
    about: str = ""
    env: dict[str, str] = {}
    preload: str | None = None
    threads: int | None = None
    cpuset: str | None = None
    security: str | None = None
    engine: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    environment: dict[str, str] = {}
    device: dict[Device, dict[str, str]] = {}
    diagnostic: dict[str, _Diagnostic] = {}
    variant: dict[str, _Variant] = {}


@cache
def builtin() -> Catalog:
    """Return the diagnostics that ship with the tool, read once a process."""
    found = parse(Path(__file__).with_name("diagnostics.toml").read_text(encoding="utf-8"), "diagnostics.toml")
    return replace(found, diagnostics=tuple(replace(one, image_open=False) for one in found.diagnostics))


def parse(text: str, origin: str) -> Catalog:
    """Return a catalog from TOML.

    Args:
        text: the file's content.
        origin: the file's name, for messages.

    Raises:
        UsageError: not TOML, an unknown key or a value of the wrong type, named by its path.
    """
    try:
        document = tomllib.loads(text)
        file = msgspec.convert(document, _File)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{origin} is not TOML", str(error)) from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{origin} does not fit", _named(document, _located(str(error)))) from None
    for name, entry in file.diagnostic.items():
        if (problem := _unfit(entry)) is not None:
            raise UsageError(f"{origin} does not fit", f"diagnostic.{name}: {problem}")
    diagnostics = tuple(
        _diagnostic(name if device is None else f"{name}_{device}", device or "cpu", entry, file)
        for name, entry in file.diagnostic.items()
        for device in (entry.devices or (None,))
    )
    return Catalog(diagnostics, tuple(_variant(name, entry) for name, entry in file.variant.items()))


def find(catalog: Catalog, name: str) -> Diagnostic:
    """Return the diagnostic called ``name``.

    Raises:
        UsageError: there is none; the nearest name is offered.
    """
    by_name = {diagnostic.name: diagnostic for diagnostic in catalog.diagnostics}
    require_name(name, list(by_name))
    return by_name[name]


def require_name(name: str, names: Sequence[str]) -> None:
    """Refuse a name that no diagnostic has.

    Raises:
        UsageError: it is none of ``names``; the nearest is offered.
    """
    if name not in names:
        raise UsageError(f"no diagnostic is called '{name}'", fix=_offer(name, list(names)))


def find_variant(catalog: Catalog, name: str) -> Variant:
    """Return the variant called ``name``; ``threads-N`` there is for any N.

    Raises:
        UsageError: there is none; the nearest name is offered.
    """
    by_name = {variant.name: variant for variant in catalog.variants}
    if name in by_name:
        return by_name[name]
    counted = re.fullmatch(r"threads-([1-9][0-9]{0,3})", name)
    if counted is not None:
        return Variant(name, f"{counted[1]} threads", threads=int(counted[1]))
    raise UsageError(f"no variant is called '{name}'", fix=_offer(name, list(by_name)))


def find_profile(diagnostic: Diagnostic, name: str) -> Profile:
    """Return the profile called ``name`` of a diagnostic.

    Raises:
        UsageError: there is none.
    """
    found = diagnostic.profile(name)
    if found is None:
        names = [profile.name for profile in diagnostic.profiles]
        raise UsageError(f"{diagnostic.name} has no profile '{name}'", fix=_offer(name, names))
    return found


def merged(first: Catalog, second: Catalog) -> Catalog:
    """Return both catalogs; a variant of the second replaces one of the same name."""
    replaced = {variant.name: variant for variant in (*first.variants, *second.variants)}
    return Catalog((*first.diagnostics, *second.diagnostics), tuple(replaced.values()))


def _unfit(entry: _Diagnostic) -> str | None:
    """What is wrong with an entry that its types do not tell; ``None`` if nothing is."""
    words = entry.command
    if entry.image is not None and not entry.image.strip():
        return "image is empty"
    if entry.warmup < 0:
        return "warmup is 0 or more"
    if (entry.node is msgspec.UNSET) == (words is None):
        return "give a node or a command, and not both"
    if words is None:
        of_command = entry.shell or entry.prepare is not None or entry.input is not None or entry.expect_exit
        return "shell, prepare, input and expect_exit go with a command" if of_command else None
    if not words or not words[0].strip():
        return "the command has no words"
    if any("\0" in word for word in (*words, entry.prepare or "", entry.input or "")):
        return "no process can be given a NUL"
    if entry.shell and len(words) > 1:
        return "with shell the command is one word, the pipeline"
    return None if 0 <= entry.expect_exit <= 255 else "expect_exit is 0 to 255"


def _command(entry: _Diagnostic) -> Command | None:
    if entry.command is None:
        return None
    given = Path(entry.input) if entry.input is not None else None
    return Command(entry.command, entry.shell, entry.prepare or None, given, entry.expect_exit)


def _diagnostic(name: str, device: Device, entry: _Diagnostic, file: _File) -> Diagnostic:
    profiles = {"full": _Profile(), "smoke": _Profile()} | entry.profiles
    return Diagnostic(
        name=name,
        about=entry.about,
        node=None if entry.node is msgspec.UNSET else entry.node,
        device=device,
        ceiling_s=entry.ceiling_s,
        timeout_s=entry.timeout_s,
        env=file.environment | file.device.get(device, {}) | entry.env,
        profiles=tuple(
            Profile(key, {"BENCH_PROFILE": key} | profile.env, profile.ceiling_s) for key, profile in profiles.items()
        ),
        image=_image(device, entry),
        image_open=entry.image is None and entry.command is None,
        requirements=entry.requirements,
        command=_command(entry),
        warmup=entry.warmup,
    )


def _image(device: Device, entry: _Diagnostic) -> str:
    """The image that an entry names, in which ``torch`` is ours with it, else the usual one of its kind."""
    usual = "small" if entry.command is not None else device
    return device if entry.image == TORCH else entry.image or usual


def _variant(name: str, entry: _Variant) -> Variant:
    return Variant(name=name, **msgspec.structs.asdict(entry))


def _offer(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    known = f"there are {', '.join(names)}" if names else "none is defined"
    return f"did you mean '{near[0]}'? ({known})" if near else known


def _located(message: str) -> str:
    said, _, path = message.partition(" - at `$.")
    return f"{path.rstrip('`')}: {said[:1].lower()}{said[1:]}" if path else message


def _named(document: Mapping[str, Any], said: str) -> str:
    """A message with the name of the entry that it is about, for which msgspec writes ``[...]``."""
    for table, kind in (("diagnostic", _Diagnostic), ("variant", _Variant)):
        if not said.startswith(f"{table}[...]"):
            continue
        for name, entry in document[table].items():
            try:
                msgspec.convert(entry, kind)
            except msgspec.ValidationError:
                return said.replace(f"{table}[...]", f"{table}.{name}", 1)
    return said


def document(catalog: Catalog) -> list[dict[str, Any]]:
    """Return the catalog as JSON-ready rows, for ``bench list --json``."""
    return [
        {
            "name": entry.name,
            "about": entry.about,
            "node": entry.node,
            **({"command": entry.command.words} if entry.command is not None else {}),
            "device": entry.device,
            "ceiling_s": entry.ceiling_s,
            "timeout_s": entry.timeout_s,
            "profiles": [profile.name for profile in entry.profiles],
        }
        for entry in catalog.diagnostics
    ]
