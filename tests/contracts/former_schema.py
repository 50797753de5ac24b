"""How did a file come to be before there was Alembic? Each step was one of `PRAGMA user_version`.

Files that were made so are still about, hence these statements are as they were, word for word.
"""

from __future__ import annotations

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE ROUTING_DECISIONS (
            DECISION_ID       TEXT PRIMARY KEY,
            REQUEST_ID        TEXT NOT NULL,
            TIMESTAMP         INTEGER NOT NULL,
            TASK_TYPE         TEXT,
            CONTEXT_LENGTH    INTEGER NOT NULL,
            TASK_JSON         TEXT NOT NULL,
            SELECTED_AGENT_ID TEXT NOT NULL,
            SELECTED_MODEL_ID TEXT,
            COMPOSITE_SCORE   REAL,
            STRATEGY          TEXT NOT NULL,
            CANDIDATE_SET_ID  INTEGER NOT NULL,
            CANDIDATE_ORDER   TEXT,
            REJECTIONS_JSON   TEXT,
            PROPENSITY        REAL NOT NULL,
            CONFIG_VERSION    TEXT NOT NULL,
            SESSION_ID        TEXT,
            ASKED_MODEL       TEXT NOT NULL,
            PANIC             INTEGER NOT NULL
        )
        """,
        "CREATE INDEX IX_DECISIONS_AGENT ON ROUTING_DECISIONS (SELECTED_AGENT_ID, DECISION_ID)",
        "CREATE INDEX IX_DECISIONS_MODEL ON ROUTING_DECISIONS (SELECTED_MODEL_ID, DECISION_ID)",
        "CREATE INDEX IX_DECISIONS_REQUEST ON ROUTING_DECISIONS (REQUEST_ID)",
        """
        CREATE INDEX IX_DECISIONS_SESSION ON ROUTING_DECISIONS (SESSION_ID, DECISION_ID)
            WHERE SESSION_ID IS NOT NULL
        """,
        "CREATE INDEX IX_DECISIONS_SET ON ROUTING_DECISIONS (CANDIDATE_SET_ID)",
        """
        CREATE TABLE ROUTING_CANDIDATE_SETS (
            SET_ID          INTEGER PRIMARY KEY,
            CANDIDATES_JSON TEXT NOT NULL,
            REJECTIONS_JSON TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE ROUTING_OUTCOMES (
            DECISION_ID        TEXT NOT NULL,
            ATTEMPT            INTEGER NOT NULL,
            MODEL_ID           TEXT NOT NULL,
            AGENT_ID           TEXT NOT NULL,
            TIMESTAMP          INTEGER NOT NULL,
            FAILURE_KIND       TEXT,
            STREAMED           INTEGER NOT NULL,
            TOTAL_S            REAL NOT NULL,
            FIRST_TOKEN_S      REAL,
            PROMPT_TOKENS      INTEGER,
            TOKENS_GENERATED   INTEGER,
            CACHED_TOKENS      INTEGER,
            CACHE_WRITE_TOKENS INTEGER,
            AUDIO_TOKENS       INTEGER,
            REPORTED_COST      TEXT,
            USAGE_ESTIMATED    INTEGER,
            ACTUAL_COST        TEXT,
            UPSTREAM_MODEL     TEXT,
            HTTP_STATUS        INTEGER,
            ERROR_MESSAGE      TEXT NOT NULL,
            PRIMARY KEY (DECISION_ID, ATTEMPT)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX IX_OUTCOMES_MODEL ON ROUTING_OUTCOMES (MODEL_ID, DECISION_ID)",
    ),
    (
        # A first attempt is always on the model that was selected, and that is indexed.
        "DROP INDEX IX_OUTCOMES_MODEL",
        """
        CREATE INDEX IX_OUTCOMES_LATER_MODEL ON ROUTING_OUTCOMES (MODEL_ID, DECISION_ID)
            WHERE ATTEMPT > 1
        """,
        "ALTER TABLE ROUTING_DECISIONS ADD COLUMN EXPLORED INTEGER NOT NULL DEFAULT 0",
        # What somebody says of the answer, which may be another model's than the selected one's.
        "ALTER TABLE ROUTING_DECISIONS ADD COLUMN USER_RATING INTEGER",
        "ALTER TABLE ROUTING_DECISIONS ADD COLUMN USER_SUCCESS INTEGER",
        "ALTER TABLE ROUTING_DECISIONS ADD COLUMN USER_FEEDBACK TEXT",
        "ALTER TABLE ROUTING_DECISIONS ADD COLUMN RATED_MODEL_ID TEXT",
        "ALTER TABLE ROUTING_DECISIONS ADD COLUMN RATED_AT INTEGER",
        """
        CREATE INDEX IX_DECISIONS_RATED ON ROUTING_DECISIONS (RATED_AT)
            WHERE RATED_AT IS NOT NULL
        """,
        "ALTER TABLE ROUTING_CANDIDATE_SETS ADD COLUMN BASE_SET_ID INTEGER",
        """
        CREATE INDEX IX_CANDIDATE_SETS_BASE ON ROUTING_CANDIDATE_SETS (BASE_SET_ID)
            WHERE BASE_SET_ID IS NOT NULL
        """,
    ),
    # Earlier decisions did not say within which band of the best models shared its traffic.
    ("ALTER TABLE ROUTING_DECISIONS ADD COLUMN BAND REAL DEFAULT 0",),
    (
        "ALTER TABLE ROUTING_DECISIONS ADD COLUMN ASSIGNMENT_ID TEXT",
        """
        CREATE TABLE AGENT_MODEL_ASSIGNMENTS (
            ASSIGNMENT_ID           TEXT PRIMARY KEY,
            AGENT_ID                TEXT NOT NULL,
            AGENT_NAME              TEXT NOT NULL,
            AGENT_TYPE              TEXT NOT NULL,
            AGENT_CAPABILITIES_JSON TEXT NOT NULL,
            MODEL_ID                TEXT NOT NULL,
            MODEL_NAME              TEXT NOT NULL,
            MODEL_CAPABILITIES_JSON TEXT NOT NULL,
            MATCH_SCORE             REAL NOT NULL CHECK (MATCH_SCORE BETWEEN 0 AND 100),
            CAPABILITY_OVERLAP_JSON TEXT NOT NULL,
            STATUS                  TEXT NOT NULL,
            ASSIGNMENT_METHOD       TEXT NOT NULL,
            ASSIGNMENT_RANK         INTEGER,
            CAPABILITY_SCORE        REAL,
            PERFORMANCE_SCORE       REAL,
            PERFORMANCE_WEIGHT      REAL NOT NULL CHECK (PERFORMANCE_WEIGHT BETWEEN 0 AND 1),
            CAPABILITY_WEIGHT       REAL NOT NULL CHECK (CAPABILITY_WEIGHT BETWEEN 0 AND 1),
            EVIDENCE                REAL NOT NULL,
            ASSIGNED_BY             TEXT NOT NULL,
            ASSIGNED_AT             INTEGER NOT NULL,
            LAST_UPDATED            INTEGER NOT NULL,
            NOTES                   TEXT NOT NULL,
            RUN_ID                  TEXT NOT NULL,
            VALID_UNTIL             INTEGER,
            TRIAL_JSON              TEXT,
            TOTAL_REQUESTS          INTEGER NOT NULL DEFAULT 0,
            SUCCESSFUL_REQUESTS     INTEGER NOT NULL DEFAULT 0,
            FAILED_REQUESTS         INTEGER NOT NULL DEFAULT 0,
            AVG_LATENCY_MS          REAL,
            TOTAL_WORTH             REAL NOT NULL DEFAULT 0,
            LAST_USED_AT            INTEGER,
            UNIQUE (AGENT_ID, MODEL_ID)
        )
        """,
        "CREATE INDEX IX_ASSIGNMENTS_MODEL ON AGENT_MODEL_ASSIGNMENTS (MODEL_ID, AGENT_ID)",
        "CREATE INDEX IX_ASSIGNMENTS_STATUS ON AGENT_MODEL_ASSIGNMENTS (STATUS, AGENT_ID)",
        "CREATE INDEX IX_ASSIGNMENTS_SCORE ON AGENT_MODEL_ASSIGNMENTS (MATCH_SCORE)",
        "CREATE INDEX IX_ASSIGNMENTS_METHOD ON AGENT_MODEL_ASSIGNMENTS (ASSIGNMENT_METHOD)",
        "CREATE INDEX IX_ASSIGNMENTS_TIME ON AGENT_MODEL_ASSIGNMENTS (ASSIGNED_AT)",
        """
        CREATE TABLE ASSIGNMENT_RUNS (
            RUN_ID         TEXT PRIMARY KEY,
            RUN_AT         INTEGER NOT NULL,
            KIND           TEXT NOT NULL,
            STATE          TEXT NOT NULL,
            SETTLED_AT     INTEGER NOT NULL,
            DECIDED_BY     TEXT NOT NULL,
            REASON         TEXT NOT NULL,
            STRATEGY       TEXT,
            CONFIG_VERSION TEXT NOT NULL,
            MOVES          INTEGER NOT NULL,
            UNDOES         TEXT,
            CHANGES_JSON   TEXT NOT NULL,
            FIGURES_JSON   TEXT,
            POINT_JSON     TEXT
        )
        """,
        "CREATE INDEX IX_RUNS_STATE ON ASSIGNMENT_RUNS (STATE, RUN_ID)",
        # Beside the runs, so that whoever lists these need not read past megabytes.
        """
        CREATE TABLE ASSIGNMENT_RUN_INPUTS (
            RUN_ID  TEXT PRIMARY KEY,
            PROBLEM BLOB NOT NULL
        )
        """,
    ),
)
