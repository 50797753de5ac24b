/** Who is told of alerts, does that work, and what has become of each message? */

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type {
  ChannelBody,
  ChannelsBody,
  OutboxBody,
  OutboxRowBody,
  ResentBody,
  TestBody,
} from "../api/schema";
import { t, tMaybe } from "../i18n";
import { count, instant } from "../parts/format";
import { Num } from "../parts/num";
import { Panel, Tag, type Tone } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Empty, Failed, Shown } from "../parts/state";
import { mayChange } from "../state/session";
import { Severity } from "./alert_list";

const MOST = 100;
const TONES: Record<string, Tone> = { delivered: "good", pending: "info", dead: "bad" };

export function Delivery() {
  return (
    <>
      <Channels />
      <Outbox />
    </>
  );
}

function Channels() {
  const found = useResource(
    "channels",
    (signal) => call<ChannelsBody>("/alerts/channels", { signal }),
    true,
  );
  const [tried, setTried] = useState<TestBody | null>(null);
  const [error, setError] = useState<{ is: unknown; again: () => void } | null>(null);
  const send = async (name: string, dryRun: boolean) => {
    try {
      const path = `/alerts/channels/${encodeURIComponent(name)}/test`;
      setTried(await call<TestBody>(path, { method: "POST", query: { dry_run: dryRun } }));
      setError(null);
      found.reload();
    } catch (problem) {
      setError({ is: problem, again: () => void send(name, dryRun) });
    }
  };
  return (
    <Panel title={t("alerts.channels")} hint={t("alerts.channels_hint")}>
      {error ? <Failed error={error.is} retry={error.again} /> : null}
      <Shown of={found}>
        {(body) =>
          body.channels.length ? (
            <ChannelTable channels={body.channels} send={(...given) => void send(...given)} />
          ) : (
            <Empty title={t("alerts.no_channels")} command="pointsman alerts channels">
              {t("alerts.no_channels_words")}
            </Empty>
          )
        }
      </Shown>
      {tried ? <Tried test={tried} /> : null}
    </Panel>
  );
}

interface ChannelTableProps {
  channels: readonly ChannelBody[];
  send: (name: string, dryRun: boolean) => void;
}

function ChannelTable({ channels, send }: ChannelTableProps) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={t("alerts.channels")}>
      <table class="few">
        <thead>
          <tr>
            <th scope="col">{t("alerts.channel")}</th>
            <th scope="col">{t("filter.kind")}</th>
            <th scope="col">{t("column.health")}</th>
            <th scope="col" class="end">
              {t("alerts.delivered")}
            </th>
            <th scope="col" class="end">
              {t("alerts.waiting")}
            </th>
            <th scope="col" class="end">
              {t("alerts.dead")}
            </th>
            <th scope="col">
              <span class="unseen">{t("runs.act")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {channels.map((channel) => (
            <tr key={channel.name}>
              <th scope="row">
                <bdi>{channel.name}</bdi>
              </th>
              <td>
                <bdi>{channel.type}</bdi>
              </td>
              <td>
                {channel.failures ? (
                  <Tag tone="bad">{t("alerts.failing", { count: channel.failures })}</Tag>
                ) : (
                  <Tag tone="good">{t("alerts.well")}</Tag>
                )}
              </td>
              <td class="end">
                <Num>{count(channel.delivered)}</Num>
              </td>
              <td class="end">
                <Num>{count(channel.waiting)}</Num>
              </td>
              <td class="end">
                <Num>{count(channel.dead)}</Num>
              </td>
              <td class="end">
                <ui5-button
                  design="Transparent"
                  disabled={!mayChange.value}
                  accessible-name={`${t("alerts.show_test")}: ${channel.name}`}
                  onClick={() => send(channel.name, true)}
                >
                  {t("alerts.show_test")}
                </ui5-button>
                <ui5-button
                  design="Transparent"
                  icon="bell"
                  disabled={!mayChange.value}
                  accessible-name={`${t("alerts.send_test")}: ${channel.name}`}
                  onClick={() => send(channel.name, false)}
                >
                  {t("alerts.send_test")}
                </ui5-button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How a test went, and what was or would be sent. */
function Tried({ test }: { test: TestBody }) {
  const key = test.dry_run ? "alerts.would_send" : test.success ? "alerts.took" : "alerts.refused";
  return (
    <div role="status" class="tried">
      <p class={test.success ? "done" : "wrong"}>
        {t(key, { channel: test.channel })} {test.error ? <bdi>{test.error}</bdi> : null}
      </p>
      <pre class="scroll" dir="ltr" tabIndex={0} aria-label={t("alerts.payload")}>
        {test.payload}
      </pre>
    </div>
  );
}

function Outbox() {
  const found = useResource(
    "outbox",
    (signal) => call<OutboxBody>("/alerts/outbox", { query: { limit: MOST }, signal }),
    true,
  );
  const [error, setError] = useState<{ is: unknown; again: () => void } | null>(null);
  const resend = async (row: OutboxRowBody) => {
    try {
      const path = `/alerts/outbox/${encodeURIComponent(row.notification_id)}/resend`;
      await call<ResentBody>(path, { method: "POST" });
      setError(null);
      found.reload();
    } catch (problem) {
      setError({ is: problem, again: () => void resend(row) });
    }
  };
  return (
    <Panel title={t("alerts.outbox")} hint={t("alerts.outbox_hint")}>
      {error ? <Failed error={error.is} retry={error.again} /> : null}
      <Shown of={found}>
        {(body) =>
          body.notifications.length ? (
            <OutboxTable rows={body.notifications} resend={(row) => void resend(row)} />
          ) : (
            <Empty title={t("alerts.no_outbox")} command="pointsman alerts channels" />
          )
        }
      </Shown>
    </Panel>
  );
}

interface OutboxTableProps {
  rows: readonly OutboxRowBody[];
  resend: (row: OutboxRowBody) => void;
}

function OutboxTable({ rows, resend }: OutboxTableProps) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={t("alerts.outbox")}>
      <table class="few">
        <thead>
          <tr>
            <th scope="col">{t("column.time")}</th>
            <th scope="col">{t("alerts.channel")}</th>
            <th scope="col">{t("alerts.severity")}</th>
            <th scope="col">{t("alerts.what")}</th>
            <th scope="col">{t("column.status")}</th>
            <th scope="col">
              <span class="unseen">{t("runs.act")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.notification_id}>
              <th scope="row">
                <Num>{instant(row.created_at)}</Num>
              </th>
              <td>
                <bdi>{row.channel}</bdi>
              </td>
              <td>
                <Severity name={row.severity} />
              </td>
              <td>
                <bdi>{row.summary}</bdi>
              </td>
              <td>
                <Tag tone={TONES[row.state] ?? "plain"}>
                  {tMaybe(`alerts.row_${row.state}`, row.state)}
                </Tag>
                {row.error ? <bdi class="quiet"> {row.error}</bdi> : null}
              </td>
              <td class="end">
                {row.state === "dead" || row.state === "delivered" ? (
                  <ui5-button
                    design="Transparent"
                    icon="refresh"
                    disabled={!mayChange.value}
                    onClick={() => resend(row)}
                  >
                    {t("alerts.resend")}
                  </ui5-button>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
