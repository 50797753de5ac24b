/** What was decided, for whom, and what came of it? */

import { useEffect, useRef, useState } from "preact/hooks";
import { call, type DecisionSummary } from "../api/client";
import type { DecisionsBody } from "../api/schema";
import { t } from "../i18n";
import { Choice } from "../parts/choice";
import { dollars, duration, instant, score } from "../parts/format";
import { Grid, type Shape } from "../parts/grid";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { Empty, Failed, Loading } from "../parts/state";
import { agentName, agents, modelName, models } from "../state/fleet";
import { go, linkTo, place, refine } from "../state/place";
import { Explanation } from "./explanation";
import { firstRequest } from "./overview";
import { Result } from "./result";

export default function Decisions() {
  const { id } = place.value;
  return id ? <Explanation key={id} id={id} /> : <List />;
}

const PAGE = 200;
const MOST = 10_000;

interface Loaded {
  rows: readonly DecisionSummary[];
  cursor: string | null;
  whole: boolean;
}

function List() {
  const { agent = "", model = "", success = "", session = "" } = place.value.query;
  const { loaded, error, busy, more, again } = useDecisions({ agent, model, success, session });
  return (
    <div class="page">
      <h1 class="unseen">{t("page.decisions")}</h1>
      <Panel
        title={t("page.decisions")}
        hint={t("decisions.hint")}
        tools={
          <ui5-button design="Transparent" icon="refresh" onClick={again}>
            {t("action.refresh")}
          </ui5-button>
        }
      >
        <div class="filters filters-plain" role="search" aria-label={t("filter.title")}>
          <Wishes />
        </div>
        {error && !loaded ? <Failed error={error} retry={again} /> : null}
        {!loaded && !error ? <Loading rows={8} /> : null}
        {loaded ? (
          <Grid
            name="decisions"
            label={t("page.decisions")}
            rows={loaded.rows}
            columns={columns()}
            id={(row) => row.decision_id}
            open={(row) => go(linkTo("decisions", row.decision_id))}
            height={15}
            atEnd={more}
            tools={
              loaded.whole ? null : (
                <ui5-button design="Transparent" disabled={busy} onClick={more}>
                  {t("decisions.more")}
                </ui5-button>
              )
            }
            empty={<Empty title={t("decisions.none")} command={firstRequest()} />}
          />
        ) : null}
        {error && loaded ? <Failed error={error} retry={more} /> : null}
      </Panel>
    </div>
  );
}

function Wishes() {
  const { agent = "", model = "", success = "", session = "" } = place.value.query;
  const any = t("filter.any");
  return (
    <>
      <Choice
        label={t("filter.agent")}
        value={agent}
        options={[
          { value: "", text: `${t("filter.agent")}: ${any}` },
          ...agents.value.map((each) => ({ value: each.agent_id, text: each.name })),
        ]}
        choose={(value) => refine({ agent: value })}
      />
      <Choice
        label={t("filter.model")}
        value={model}
        options={[
          { value: "", text: `${t("filter.model")}: ${any}` },
          ...models.value.map((each) => ({ value: each.model_id, text: each.name })),
        ]}
        choose={(value) => refine({ model: value })}
      />
      <Choice
        label={t("column.result")}
        value={success}
        options={[
          { value: "", text: `${t("column.result")}: ${any}` },
          { value: "true", text: t("result.answered") },
          { value: "false", text: t("result.failed") },
        ]}
        choose={(value) => refine({ success: value })}
      />
      {session ? (
        <ui5-button design="Transparent" icon="decline" onClick={() => refine({ session: "" })}>
          {t("column.session")}: {session}
        </ui5-button>
      ) : null}
    </>
  );
}

interface Wish {
  agent: string;
  model: string;
  success: string;
  session: string;
}

/** Pages of decisions, one after the other, as far as somebody scrolls. */
function useDecisions(wish: Wish) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const turn = useRef(0);
  const asking = useRef(false);

  const ask = async (from: Loaded | null) => {
    const mine = turn.current;
    asking.current = true;
    setBusy(true);
    try {
      const page = await call<DecisionsBody>("/decisions", { query: queryOf(wish, from) });
      if (mine !== turn.current) return;
      const rows = [...(from?.rows ?? []), ...page.decisions];
      setLoaded({
        rows,
        cursor: page.next_cursor,
        whole: !page.next_cursor || rows.length >= MOST,
      });
      setError(null);
    } catch (problem) {
      if (mine === turn.current) setError(problem);
    } finally {
      if (mine === turn.current) {
        asking.current = false;
        setBusy(false);
      }
    }
  };
  const again = () => {
    turn.current += 1;
    void ask(null);
  };
  const more = () => {
    if (!asking.current && loaded && !loaded.whole) void ask(loaded);
  };
  const key = Object.values(wish).join("\n");
  useEffect(() => {
    setLoaded(null);
    again();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- anew when something else is wished
  }, [key]);
  return { loaded, error, busy, more, again };
}

function queryOf(wish: Wish, from: Loaded | null) {
  return {
    limit: PAGE,
    cursor: from?.cursor,
    agent_id: wish.agent || null,
    model_id: wish.model || null,
    success: wish.success || null,
    session: wish.session || null,
  };
}

function columns(): Shape<DecisionSummary>[] {
  return [
    {
      key: "timestamp",
      title: t("column.time"),
      width: "minmax(9rem, 1fr)",
      value: (row) => row.timestamp,
      show: (row) => <Num>{instant(row.timestamp)}</Num>,
    },
    {
      key: "agent_id",
      title: t("column.agent"),
      width: "minmax(8rem, 1.2fr)",
      value: (row) => row.agent_id,
      show: (row) => <bdi>{agentName(row.agent_id)}</bdi>,
    },
    {
      key: "task_type",
      title: t("column.task"),
      width: "minmax(6rem, 0.8fr)",
      value: (row) => row.task_type,
      show: (row) => <bdi>{row.task_type ?? "–"}</bdi>,
    },
    {
      key: "served_model_id",
      title: t("column.model"),
      width: "minmax(10rem, 1.6fr)",
      value: (row) => row.served_model_id ?? row.model_id,
      show: (row) => <bdi>{modelName(row.served_model_id ?? row.model_id)}</bdi>,
    },
    {
      key: "result",
      title: t("column.result"),
      width: "minmax(9rem, 1.2fr)",
      value: (row) => (row.successful ? (row.is_fallback ? "fallback" : "answered") : row.failure),
      show: (row) => <Result of={row} />,
    },
    {
      key: "score",
      title: t("column.score"),
      width: "minmax(4.5rem, 0.5fr)",
      end: true,
      value: (row) => row.score,
      show: (row) => <Num>{score(row.score)}</Num>,
    },
    {
      key: "latency_ms",
      title: t("column.latency"),
      width: "minmax(5.5rem, 0.6fr)",
      end: true,
      value: (row) => row.latency_ms,
      show: (row) => <Num>{duration(row.latency_ms)}</Num>,
    },
    {
      key: "cost_usd",
      title: t("column.cost"),
      width: "minmax(6.75rem, 0.6fr)",
      end: true,
      value: (row) => row.cost_usd,
      show: (row) => <Num>{dollars(row.cost_usd)}</Num>,
    },
    {
      key: "decision_id",
      title: t("column.id"),
      width: "minmax(11rem, 1fr)",
      value: (row) => row.decision_id,
      show: (row) => (
        <code class="id" dir="ltr">
          {row.decision_id}
        </code>
      ),
    },
  ];
}
