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
import { useAttempt } from "../parts/attempt";
import { Few } from "../parts/few";
import { count, instant } from "../parts/format";
import type { Shape } from "../parts/grid";
import { Num } from "../parts/num";
import { Paged, type Wish } from "../parts/paged";
import { Panel, Tag, type Tone } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Empty, Shown } from "../parts/state";
import { mayChange } from "../state/session";
import { Severity } from "./alert_list";

const PAGE = 100;
const ANY: Wish = {};
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
  const { attempt, failed } = useAttempt();
  const send = (name: string, dryRun: boolean) =>
    attempt(async () => {
      const path = `/alerts/channels/${encodeURIComponent(name)}/test`;
      setTried(await call<TestBody>(path, { method: "POST", query: { dry_run: dryRun } }));
      found.reload();
    });
  return (
    <Panel title={t("alerts.channels")} hint={t("alerts.channels_hint")}>
      {failed}
      <Shown of={found}>
        {(body) =>
          body.channels.length ? (
            <ChannelTable channels={body.channels} send={send} />
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
    <Few
      label={t("alerts.channels")}
      heads={[
        t("alerts.channel"),
        t("filter.kind"),
        t("column.health"),
        { text: t("alerts.delivered"), end: true },
        { text: t("alerts.waiting"), end: true },
        { text: t("alerts.dead"), end: true },
        { text: t("runs.act"), unseen: true },
      ]}
    >
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
    </Few>
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
  const [turn, setTurn] = useState(0);
  const { attempt, failed } = useAttempt();
  const resend = (row: OutboxRowBody) =>
    attempt(async () => {
      const path = `/alerts/outbox/${encodeURIComponent(row.notification_id)}/resend`;
      await call<ResentBody>(path, { method: "POST" });
      setTurn((n) => n + 1);
    });
  return (
    <Panel title={t("alerts.outbox")} hint={t("alerts.outbox_hint")}>
      {failed}
      <Paged
        name="notifications"
        label={t("alerts.outbox")}
        path="/alerts/outbox"
        files="/export/notifications"
        wish={ANY}
        page={PAGE}
        rowsOf={(body: OutboxBody) => ({ ...body, rows: body.notifications })}
        columns={columns(resend)}
        id={(row) => row.notification_id}
        height={12}
        live
        turn={turn}
        empty={<Empty title={t("alerts.no_outbox")} command="pointsman alerts channels" />}
      />
    </Panel>
  );
}

function columns(resend: (row: OutboxRowBody) => void): Shape<OutboxRowBody>[] {
  return [
    {
      key: "created_at",
      title: t("column.time"),
      width: "minmax(9rem, 0.8fr)",
      value: (row) => row.created_at,
      show: (row) => <Num>{instant(row.created_at)}</Num>,
    },
    {
      key: "channel",
      title: t("alerts.channel"),
      width: "minmax(7rem, 0.7fr)",
      value: (row) => row.channel,
      show: (row) => <bdi>{row.channel}</bdi>,
    },
    {
      key: "severity",
      title: t("alerts.severity"),
      width: "minmax(7rem, 0.6fr)",
      value: (row) => row.severity,
      show: (row) => <Severity name={row.severity} />,
    },
    {
      key: "summary",
      title: t("alerts.what"),
      width: "minmax(14rem, 2fr)",
      value: (row) => row.summary,
      show: (row) => <bdi title={row.summary}>{row.summary}</bdi>,
    },
    {
      key: "state",
      title: t("column.status"),
      width: "minmax(12rem, 1.6fr)",
      value: (row) => row.state,
      show: (row) => (
        <>
          <Tag tone={TONES[row.state] ?? "plain"}>
            {tMaybe(`alerts.row_${row.state}`, row.state)}
          </Tag>
          {row.error ? (
            <bdi class="quiet" title={row.error}>
              {" "}
              {row.error}
            </bdi>
          ) : null}
        </>
      ),
    },
    {
      key: "resend",
      title: t("alerts.resend"),
      width: "minmax(8rem, 0.6fr)",
      end: true,
      value: () => null,
      show: (row) =>
        row.state === "dead" || row.state === "delivered" ? (
          <ui5-button
            design="Transparent"
            icon="refresh"
            disabled={!mayChange.value}
            accessible-name={`${t("alerts.resend")}: ${row.summary}`}
            onClick={() => resend(row)}
          >
            {t("alerts.resend")}
          </ui5-button>
        ) : null,
    },
  ];
}
