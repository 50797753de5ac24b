"""Is everything of one agent gone, and nothing of the others?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from store_contract import a_decision, an_outcome

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.decision import Candidate


def test_not_even_its_candidates_are_left(tmp_path: Path) -> None:
    path = tmp_path / "pointsman.db"
    store = SqliteStore(path)
    only_its = (Candidate("p/its-own", 0.5, ()),)
    store.append([a_decision(1, agent_id="leaver", candidates=only_its), a_decision(2)])
    store.append([an_outcome(5_000, agent_id="leaver")])
    assert store.forget_agent("leaver") == 1
    store.close()
    with closing(sqlite3.connect(path)) as db:
        sets = db.execute("SELECT CANDIDATES_JSON FROM ROUTING_CANDIDATE_SETS").fetchall()
        assert db.execute("SELECT * FROM ROUTING_OUTCOMES").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert all("its-own" not in text for (text,) in sets)
