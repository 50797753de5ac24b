"""What can people who work in the database ask it to do?

pointsman itself calls none of these. To count is one statement: to read, add and write back loses
what others count meanwhile. To assign locks the table against others who do the same.
"""

from __future__ import annotations

from pointsman.adapters.stores.schema import ASSIGNMENTS, AUDIT

METRICS = "SP_UPDATE_ASSIGNMENT_METRICS"
RECOMMENDATION = "SP_GET_ROUTING_RECOMMENDATION"
AUTO_ASSIGN = "SP_AUTO_ASSIGN_MODELS"

NOW_US = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"

_METRICS = f"""
CREATE PROCEDURE {METRICS}(P_ASSIGNMENT TEXT, P_SUCCESS INTEGER, P_LATENCY_MS DOUBLE PRECISION)
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE {ASSIGNMENTS}
    SET TOTAL_REQUESTS = TOTAL_REQUESTS + 1,
        SUCCESSFUL_REQUESTS = SUCCESSFUL_REQUESTS + CASE WHEN P_SUCCESS <> 0 THEN 1 ELSE 0 END,
        FAILED_REQUESTS = FAILED_REQUESTS + CASE WHEN P_SUCCESS <> 0 THEN 0 ELSE 1 END,
        TOTAL_WORTH = TOTAL_WORTH + CASE WHEN P_SUCCESS <> 0 THEN 1 ELSE 0 END,
        AVG_LATENCY_MS = CASE WHEN P_SUCCESS = 0 THEN AVG_LATENCY_MS ELSE
            (coalesce(AVG_LATENCY_MS, 0) * SUCCESSFUL_REQUESTS + P_LATENCY_MS)
            / (SUCCESSFUL_REQUESTS + 1) END,
        LAST_USED_AT = greatest(coalesce(LAST_USED_AT, 0), {NOW_US})
    WHERE ASSIGNMENT_ID = P_ASSIGNMENT;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no assignment %', P_ASSIGNMENT USING ERRCODE = 'no_data_found';
    END IF;
END $$
"""  # noqa: S608

_RECOMMENDATION = f"""
CREATE FUNCTION {RECOMMENDATION}(P_TASK_TYPE TEXT, P_STRATEGY TEXT)
RETURNS TABLE (AGENT_ID TEXT, MODEL_ID TEXT, ASSIGNMENT_ID TEXT, SCORE DOUBLE PRECISION)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF P_STRATEGY NOT IN ('speed', 'quality', 'balanced') OR P_STRATEGY IS NULL THEN
        RAISE EXCEPTION 'no strategy is called %: use speed, quality or balanced', P_STRATEGY
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    SELECT r.AGENT_ID, r.MODEL_ID, r.ASSIGNMENT_ID, r.SCORE
    FROM (
        SELECT a.AGENT_ID, a.MODEL_ID, a.ASSIGNMENT_ID, a.MATCH_SCORE, a.AVG_LATENCY_MS,
            CASE P_STRATEGY
                WHEN 'speed' THEN a.MATCH_SCORE
                WHEN 'quality' THEN s.SUCCESS_PERCENT
                ELSE 0.6 * a.MATCH_SCORE + 0.4 * s.SUCCESS_PERCENT
            END AS SCORE
        FROM {ASSIGNMENTS} a CROSS JOIN LATERAL (
            SELECT coalesce(
                100.0 * a.SUCCESSFUL_REQUESTS / nullif(a.TOTAL_REQUESTS, 0), a.MATCH_SCORE
            ) AS SUCCESS_PERCENT
        ) s
        WHERE a.STATUS = 'ACTIVE' AND (
            P_TASK_TYPE IS NULL
            OR strpos(a.AGENT_CAPABILITIES_JSON, '"' || P_TASK_TYPE || '"') > 0
        )
    ) r
    ORDER BY
        CASE WHEN P_STRATEGY = 'speed' THEN r.AVG_LATENCY_MS END NULLS LAST,
        r.SCORE DESC, r.MATCH_SCORE DESC, r.ASSIGNMENT_ID
    LIMIT 1;
END $$
"""  # noqa: S608

_AUTO_ASSIGN = f"""
CREATE PROCEDURE {AUTO_ASSIGN}()
LANGUAGE plpgsql AS $$
DECLARE
    V_NOW BIGINT := {NOW_US};
    V_COUNT BIGINT;
BEGIN
    LOCK TABLE {ASSIGNMENTS} IN SHARE ROW EXCLUSIVE MODE;
    UPDATE {ASSIGNMENTS} t
    SET STATUS = 'ACTIVE', ASSIGNMENT_METHOD = 'AUTO', ASSIGNMENT_RANK = 0,
        ASSIGNED_BY = current_user, ASSIGNED_AT = V_NOW, LAST_UPDATED = V_NOW
    FROM (
        SELECT ASSIGNMENT_ID, row_number() OVER (
            PARTITION BY AGENT_ID ORDER BY MATCH_SCORE DESC, MODEL_ID
        ) AS PLACE
        FROM {ASSIGNMENTS} a
        WHERE STATUS = 'INACTIVE' AND NOT EXISTS (
            SELECT 1 FROM {ASSIGNMENTS} o
            WHERE o.AGENT_ID = a.AGENT_ID AND o.STATUS IN ('ACTIVE', 'OVERRIDDEN')
        )
    ) best
    WHERE best.ASSIGNMENT_ID = t.ASSIGNMENT_ID AND best.PLACE = 1;
    GET DIAGNOSTICS V_COUNT = ROW_COUNT;
    INSERT INTO {AUDIT} (AUDIT_ID, RECORDED_AT, ACTOR, ACTION, SUBJECT_KIND, SUBJECT_ID, AFTER_JSON)
    VALUES (
        'aud_' || lpad(to_hex(V_NOW / 1000), 11, '0') || replace(gen_random_uuid()::text, '-', ''),
        V_NOW, current_user, 'assignments.auto', 'fleet', 'database',
        '{{"assigned": ' || V_COUNT || '}}'
    );
END $$
"""  # noqa: S608

PROCEDURES = (_METRICS, _RECOMMENDATION, _AUTO_ASSIGN)

DROPS = (
    f"DROP PROCEDURE IF EXISTS {METRICS}",
    f"DROP FUNCTION IF EXISTS {RECOMMENDATION}",
    f"DROP PROCEDURE IF EXISTS {AUTO_ASSIGN}",
)
