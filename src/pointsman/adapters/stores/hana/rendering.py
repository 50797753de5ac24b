"""How are statements for HANA written where its driver is not installed?

`sqlalchemy-hana` is free software and all that writing takes; it imports SAP's driver, which is
not (see `session.py`), to talk to a server, and here it talks to nobody.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

_DRIVER = "hdbcli"


@contextmanager
def without_driver() -> Iterator[None]:
    """Meanwhile the dialect can be imported. Nothing can connect: no driver is there to do it."""
    try:
        import_module(f"{_DRIVER}.dbapi")
    except ImportError:
        pass
    else:
        yield
        return
    package, module = ModuleType(_DRIVER), ModuleType(f"{_DRIVER}.dbapi")
    # What the dialect wants at its import: the class of the driver's errors, of which none comes.
    vars(module)["Error"] = type("Error", (Exception,), {})
    vars(package)["dbapi"] = module
    stand_ins = {package.__name__: package, module.__name__: module}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]
