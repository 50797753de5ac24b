/** Which models are there, how do they stand, and how do they do? */

import { call, type Metrics, type Model } from "../api/client";
import type { ModelsBody, OneModelBody } from "../api/schema";
import { type Key, t, tMaybe } from "../i18n";
import { Lines } from "../parts/facts";
import { count, dollars, duration, percent, tokens } from "../parts/format";
import { Grid, type Shape } from "../parts/grid";
import { Num } from "../parts/num";
import { Meter, Panel, Tag } from "../parts/panel";
import { useResource } from "../parts/resource";
import { toneOfCircuit } from "../parts/severity";
import { Empty, Shown } from "../parts/state";
import { Success } from "../parts/success";
import { every } from "../state/live";
import { given, go, linkTo, place, recent, stretch } from "../state/place";
import { OneCourse } from "./course_charts";
import { DrainButton, DrainedBy } from "./drain";

export default function Models() {
  const { id } = place.value;
  return id ? <One key={id} id={id} /> : <All />;
}

function All() {
  const { model, provider } = place.value.query;
  const query = { ...stretch.value, ...given({ model_id: model, provider }) };
  const found = useResource(
    JSON.stringify(query),
    (signal) => call<ModelsBody>("/models", { query, signal }),
    every.value,
  );
  return (
    <div class="page">
      <h1 class="unseen">{t("page.models")}</h1>
      <Panel title={t("page.models")} hint={t("models.hint")}>
        <Shown of={found} rows={8}>
          {(body) => (
            <Grid
              name="models"
              label={t("page.models")}
              rows={body.models}
              columns={columns()}
              id={(row) => row.model_id}
              open={(row) => go(linkTo("models", row.model_id))}
              height={15}
              empty={<Empty title={t("models.none")} command="pointsman init" />}
            />
          )}
        </Shown>
      </Panel>
    </div>
  );
}

function Health({
  model,
}: {
  model: Pick<Model, "circuit" | "drain" | "left_alone" | "overloaded" | "over_target">;
}) {
  if (model.drain) return <Tag tone="warn">{t("models.drained")}</Tag>;
  const circuit = model.left_alone ? "open" : model.circuit;
  if (circuit !== "closed") {
    return (
      <span title={model.left_alone?.reason}>
        <Tag tone={toneOfCircuit(circuit)}>{tMaybe(`circuit.${circuit}`, circuit)}</Tag>
      </span>
    );
  }
  if (model.overloaded) return <Tag tone="bad">{t("models.full")}</Tag>;
  if (model.over_target) return <Tag tone="warn">{t("models.busy")}</Tag>;
  return <Tag tone="good">{t("models.well")}</Tag>;
}

function InFlight({ model }: { model: Model }) {
  const figures = `${model.in_flight} / ${model.max_in_flight ?? "∞"}`;
  return (
    <span class="in-flight">
      <Num>{figures}</Num>
      {model.utilisation === null ? null : (
        <Meter
          share={model.utilisation}
          tone={model.overloaded ? "bad" : model.over_target ? "warn" : "info"}
          label={t("models.used", { share: percent(model.utilisation) })}
        />
      )}
    </span>
  );
}

function columns(): Shape<Model>[] {
  return [
    {
      key: "model_id",
      title: t("column.model"),
      width: "minmax(9rem, 1.6fr)",
      value: (row) =>
        row.display_name === row.model_id ? row.model_id : `${row.display_name} ${row.model_id}`,
      show: (row) => <bdi class="strong">{row.display_name}</bdi>,
    },
    {
      key: "provider",
      title: t("column.provider"),
      width: "minmax(5rem, 0.8fr)",
      value: (row) => row.provider,
      show: (row) => <bdi>{row.provider}</bdi>,
    },
    {
      key: "circuit",
      title: t("column.health"),
      width: "minmax(7rem, 0.8fr)",
      value: (row) =>
        row.drain ? "drained" : row.left_alone ? "open" : row.overloaded ? "full" : row.circuit,
      show: (row) => <Health model={row} />,
    },
    {
      key: "in_flight",
      title: t("column.in_flight"),
      width: "minmax(8rem, 1fr)",
      value: (row) => row.in_flight,
      show: (row) => <InFlight model={row} />,
    },
    {
      key: "share",
      title: t("column.share"),
      width: "minmax(8.5rem, 0.8fr)",
      value: (row) => row.did?.share ?? null,
      show: (row) => (
        <span class="in-flight">
          <Num>{percent(row.did?.share)}</Num>
          {row.did ? <Meter share={row.did.share} label={percent(row.did.share)} /> : null}
        </span>
      ),
    },
    {
      key: "success_rate",
      title: t("column.success"),
      width: "minmax(7.25rem, 0.7fr)",
      value: (row) => row.did?.success_rate ?? null,
      show: (row) => <Success share={row.did?.success_rate} />,
    },
    {
      key: "p95_ms",
      title: "p95",
      width: "minmax(5rem, 0.5fr)",
      end: true,
      value: (row) => row.did?.p95_ms ?? null,
      show: (row) => <Num>{duration(row.did?.p95_ms)}</Num>,
    },
    {
      key: "attempts",
      title: t("column.attempts"),
      width: "minmax(5rem, 0.5fr)",
      end: true,
      value: (row) => row.did?.attempts ?? 0,
      show: (row) => <Num>{count(row.did?.attempts ?? 0)}</Num>,
    },
    {
      key: "input_usd_per_mtok",
      title: t("column.price"),
      width: "minmax(7.5rem, 0.8fr)",
      end: true,
      value: (row) => row.price.input_usd_per_mtok,
      show: (row) => <PriceOf model={row} />,
    },
    {
      key: "context_window_tokens",
      title: t("column.context"),
      width: "minmax(5rem, 0.5fr)",
      end: true,
      value: (row) => row.context_window_tokens,
      show: (row) => <Num>{tokens(row.context_window_tokens)}</Num>,
    },
  ];
}

/** A price is known, free by declaration, or unknown; unknown is never nothing. */
function PriceOf({ model }: { model: Model }) {
  const { price } = model;
  if (price.state !== "known") return <span>{tMaybe(`price.${price.state}`, price.state)}</span>;
  const both = `${dollars(price.input_usd_per_mtok)} / ${dollars(price.output_usd_per_mtok)}`;
  return <Num>{both}</Num>;
}

function One({ id }: { id: string }) {
  const path = id.split("/").map(encodeURIComponent).join("/");
  const found = useResource(
    id,
    (signal) => call<OneModelBody>(`/models/${path}`, { signal }),
    true,
  );
  const window = recent.value;
  const did = useResource(
    `${id} ${window}`,
    (signal) => call<Metrics>("/metrics", { query: { window, model_id: id }, signal }),
    true,
  );
  return (
    <div class="page">
      <p class="crumbs">
        <a href={linkTo("models")}>{t("page.models")}</a> <span aria-hidden="true">/</span>{" "}
        <code dir="ltr">{id}</code>
      </p>
      <Shown of={found} rows={8}>
        {({ model }) => (
          <>
            <header class="headline">
              <h1>
                <bdi>{model.display_name}</bdi>
              </h1>
              <Health model={model} />
              <span class="grow" />
              <a class="button" href={linkTo("decisions", "", { model: id })}>
                {t("models.its_decisions")}
              </a>
              <DrainButton model={model} changed={found.reload} />
            </header>
            <DrainedBy model={model} />
            <div class="columns">
              <Declared model={model} />
              <Panel title={t("models.measured", { range: t(`range.${window}` as Key) })}>
                <Shown of={did} rows={6}>
                  {(body) => <Measured body={body} />}
                </Shown>
              </Panel>
            </div>
            <OneCourse narrow={{ model: id }} />
            <Strengths model={model} />
          </>
        )}
      </Shown>
    </div>
  );
}

function Declared({ model }: { model: Model }) {
  const { price, sources } = model;
  const rows: [string, string, string][] = [
    ["provider", t("column.provider"), model.provider],
    ["upstream_name", t("models.upstream"), model.upstream_name],
    ["context_window", t("column.context"), `${tokens(model.context_window_tokens)} tokens`],
    ["max_output", t("models.max_output"), `${tokens(model.max_output_tokens)} tokens`],
    [
      "price",
      t("column.price"),
      price.state === "known"
        ? `${dollars(price.input_usd_per_mtok)} / ${dollars(price.output_usd_per_mtok)}`
        : tMaybe(`price.${price.state}`, price.state),
    ],
    ["limits", t("column.in_flight"), `${model.in_flight} / ${model.max_in_flight ?? "∞"}`],
    ["requests_per_min", t("models.rpm"), count(model.requests_per_min)],
    ["tokens_per_min", t("models.tpm"), tokens(model.tokens_per_min)],
  ];
  return (
    <Panel title={t("models.declared")}>
      <Lines
        lines={rows.map(([key, name, value]) => [
          name,
          value,
          <bdi key={key}>{sources[key]?.origin ?? ""}</bdi>,
        ])}
      />
      {model.unsupported_parameters.length ? (
        <p class="quiet">
          {t("models.unsupported")}: <bdi dir="ltr">{model.unsupported_parameters.join(", ")}</bdi>
        </p>
      ) : null}
    </Panel>
  );
}

function Measured({ body }: { body: Metrics }) {
  if (!body.latency.count && !body.success_rate.total_requests) {
    return <p class="empty quiet">{t("models.unmeasured")}</p>;
  }
  const { latency, first_token: first, success_rate: rate, inter_token: pace } = body;
  const rows: [string, string][] = [
    [t("column.success"), percent(rate.success_rate)],
    [t("column.attempts"), count(rate.total_requests)],
    [t("models.excused"), count(rate.excused_requests)],
    [
      t("models.latency"),
      `${duration(latency.p50)} · ${duration(latency.p95)} · ${duration(latency.p99)}`,
    ],
    [t("models.first_token"), `${duration(first.p50)} · ${duration(first.p95)}`],
    [t("models.pace"), duration(pace.p50)],
    [t("column.cost"), dollars(body.cost_usd)],
    [t("models.tokens"), `${tokens(body.tokens.prompt)} → ${tokens(body.tokens.completion)}`],
  ];
  return (
    <>
      <Lines lines={rows} />
      <Failures failures={body.failures} />
    </>
  );
}

function Failures({ failures }: { failures: Metrics["failures"] }) {
  const rows = Object.entries(failures).sort(([, a], [, b]) => b - a);
  if (!rows.length) return null;
  return (
    <p class="tags">
      <span class="quiet">{t("models.failures")}</span>
      {rows.map(([code, n]) => (
        <Tag key={code} tone="bad">
          {tMaybe(`failure.${code}`, code.replaceAll("_", " "))} <Num>{count(n)}</Num>
        </Tag>
      ))}
    </p>
  );
}

function Strengths({ model }: { model: Model }) {
  const known = Object.entries(model.strengths).sort(([, a], [, b]) => b - a);
  return (
    <Panel title={t("models.strengths")}>
      {known.length ? (
        <ul class="strengths">
          {known.map(([name, value]) => (
            <li key={name}>
              <bdi>{name}</bdi>
              <Meter share={value} label={`${name} ${percent(value)}`} />
              <Num>{percent(value)}</Num>
            </li>
          ))}
        </ul>
      ) : (
        <p class="empty quiet">{t("models.no_profile")}</p>
      )}
    </Panel>
  );
}
