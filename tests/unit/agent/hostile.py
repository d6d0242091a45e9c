"""Values that raise whatever they are asked. pytest must not meet them in a test module: it asks, too."""

from __future__ import annotations

from typing import Any


class Hostile:
    """Raises whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __format__ = __str__

    def __eq__(self, other: object) -> bool:
        raise SystemExit

    def __hash__(self) -> int:
        return 1


class LyingMeta(type):
    def __eq__(cls, other: object) -> bool:
        raise SystemExit

    def __hash__(cls) -> int:
        return 1

    def __getattribute__(cls, name: str) -> Any:
        raise SystemExit(name)


class LyingClass(metaclass=LyingMeta):
    pass


def lying_class() -> Any:
    return LyingClass()


class LyingText(str):  # noqa: SLOT000
    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__

    def encode(self, *_: Any) -> bytes:
        raise SystemExit

    def startswith(self, *_: Any) -> bool:
        raise SystemExit

    def __len__(self) -> int:
        raise SystemExit


class LyingNumber(int):
    def __int__(self) -> int:
        raise SystemExit

    __index__ = __float__ = __abs__ = __int__


class LyingDict(dict):
    def items(self) -> Any:
        raise SystemExit

    keys = values = __iter__ = get = items


class LyingList(list):
    def __iter__(self) -> Any:
        raise SystemExit

    __len__ = __iter__


class NoItem:
    def item(self) -> float:
        raise SystemExit
