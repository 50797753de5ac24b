/** How are ten thousand rows shown, and walked through by keyboard, as if they were twenty? */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { place, refine } from "../state/place";
import { type Column, csv, found, json, type Order, save, saveAs, sorted } from "./rows";

export interface Shape<Row> extends Column<Row> {
  show: (row: Row) => ComponentChildren;
}

type Form = "csv" | "json";

interface GridProps<Row extends object> {
  /** Of the table: names its filters in the URL and its exported files. */
  name: string;
  label: string;
  rows: readonly Row[];
  columns: readonly Shape<Row>[];
  id: (row: Row) => string;
  open?: (row: Row) => void;
  first?: Order;
  /** Rows that fit before it scrolls. */
  height?: number;
  search?: boolean;
  /** The server searches: what is in the rows has been found already. */
  searched?: true;
  /** Where all that is asked for is given out, when the rows may be a part of it. */
  files?: (form: Form, search: string) => string;
  /** Called when the end of the rows comes into view. */
  atEnd?: () => void;
  tools?: ComponentChildren;
  empty: ComponentChildren;
}

const FORMS = ["csv", "json"] as const;
const KINDS: Record<Form, string> = { csv: "text/csv", json: "application/json" };
const WRITTEN: Record<Form, (records: readonly object[]) => string> = { csv, json };

const ROW_PX = 40;
const SPARE = 6;

export function Grid<Row extends object>(props: GridProps<Row>) {
  const { name, rows, columns } = props;
  const query = place.value.query;
  const search = query[`${name}.q`] ?? "";
  const order = orderOf(query[`${name}.by`]) ?? props.first ?? null;
  const meant = props.searched ? rows : found(rows, columns, search);
  const shown = sorted(meant, columns, order);
  const hits = shown.length === rows.length ? `${rows.length}` : `${shown.length} / ${rows.length}`;
  return (
    <div class="grid-frame">
      <div class="grid-tools">
        {props.search === false ? null : (
          <label class="search">
            <ui5-icon name="search" aria-hidden="true" />
            <input
              type="search"
              value={search}
              placeholder={t("grid.search")}
              aria-label={`${t("grid.search")}: ${props.label}`}
              data-search
              onInput={(event) => refine({ [`${name}.q`]: event.currentTarget.value })}
            />
          </label>
        )}
        {props.tools}
        <span class="quiet" role="status">
          <bdi dir="ltr">{hits}</bdi> {t("grid.rows")}
        </span>
        <span class="grow" />
        {FORMS.map((form) => (
          <ui5-button
            key={form}
            design="Transparent"
            icon="download"
            onClick={() =>
              props.files
                ? save(props.files(form, search), `${name}.${form}`)
                : saveAs(`${name}.${form}`, KINDS[form], WRITTEN[form](shown))
            }
          >
            {form.toUpperCase()}
          </ui5-button>
        ))}
      </div>
      {shown.length ? (
        <Window {...props} rows={shown} order={order} />
      ) : rows.length || (props.searched && search) ? (
        <p class="empty quiet">{t("grid.nothing_found")}</p>
      ) : (
        props.empty
      )}
    </div>
  );
}

function orderOf(text: string | undefined): Order | null {
  if (!text) return null;
  return { key: text.replace(/^-/, ""), falling: text.startsWith("-") };
}

/** The rows in view, and the one that has the focus: unmounting it would lose the keyboard. */
function Window<Row extends object>(props: GridProps<Row> & { order: Order | null }) {
  const { rows, columns, id, open, atEnd } = props;
  const most = Math.min(rows.length, props.height ?? 12);
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [active, setActive] = useState(0);
  const moved = useRef(false);
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE);
  const last = Math.min(rows.length, Math.ceil(top / ROW_PX) + most + SPARE);
  const current = Math.min(active, rows.length - 1);

  const goTo = (index: number) => {
    moved.current = true;
    setActive(Math.max(0, Math.min(rows.length - 1, index)));
  };
  useLayoutEffect(() => {
    if (!moved.current || !box.current) return;
    moved.current = false;
    keepInView(box.current, current);
    box.current.querySelector<HTMLElement>(`[data-index="${current}"]`)?.focus();
  }, [current]);

  const template = { gridTemplateColumns: columns.map((column) => column.width).join(" ") };
  const drawn = Array.from({ length: last - first }, (_, n) => first + n);
  if (current < first || current >= last) drawn.push(current);
  return (
    <div
      class="grid"
      role="grid"
      aria-label={props.label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      ref={box}
      style={{ maxBlockSize: `${(most + 1) * ROW_PX + 2}px` }}
      onScroll={(event) => {
        const target = event.currentTarget;
        setTop(target.scrollTop);
        if (target.scrollTop + target.clientHeight > target.scrollHeight - 4 * ROW_PX) atEnd?.();
      }}
      onKeyDown={(event) => walk(event, current, most, goTo)}
    >
      <Head {...props} template={template} />
      <div role="rowgroup" class="grid-rows" style={{ blockSize: `${rows.length * ROW_PX}px` }}>
        {drawn.map((index) => {
          const row = rows[index];
          if (!row) return null;
          return (
            <div
              key={id(row)}
              role="row"
              class={open ? "grid-row grid-row-opens" : "grid-row"}
              aria-rowindex={index + 2}
              data-index={index}
              tabIndex={index === current ? 0 : -1}
              style={{ ...template, transform: `translateY(${index * ROW_PX}px)` }}
              onFocus={() => setActive(index)}
              onClick={() => open?.(row)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && event.target === event.currentTarget) open?.(row);
              }}
            >
              {columns.map((column) => (
                <span role="gridcell" key={column.key} class={column.end ? "end" : ""}>
                  {column.show(row)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function keepInView(box: HTMLElement, index: number): void {
  const from = index * ROW_PX;
  const room = box.clientHeight - ROW_PX;
  if (from < box.scrollTop) box.scrollTop = from;
  else if (from + ROW_PX > box.scrollTop + room) box.scrollTop = from + ROW_PX - room;
}

const STEPS: Record<string, (at: number, page: number) => number> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at, page) => at + page,
  PageUp: (at, page) => at - page,
  Home: () => 0,
  End: () => Number.MAX_SAFE_INTEGER,
};

function walk(event: KeyboardEvent, at: number, page: number, goTo: (index: number) => void) {
  const step = STEPS[event.key];
  if (!step || !(event.target as HTMLElement).dataset.index) return;
  event.preventDefault();
  goTo(step(at, page));
}

function Head<Row extends object>(
  props: GridProps<Row> & { order: Order | null; template: Record<string, string> },
) {
  return (
    <div role="rowgroup" class="grid-head">
      <div role="row" class="grid-row" aria-rowindex={1} style={props.template}>
        {props.columns.map((column) => (
          <Title key={column.key} name={props.name} column={column} order={props.order} />
        ))}
      </div>
    </div>
  );
}

interface TitleProps {
  name: string;
  column: { key: string; title: string; end?: boolean };
  order: Order | null;
}

const SIGNS = { none: "", ascending: "▲", descending: "▼" } as const;

/** Sorts by its column, the largest first, and the other way round when it does already. */
function Title({ name, column, order }: TitleProps) {
  const by = order?.key === column.key ? order : null;
  const state = by ? (by.falling ? "descending" : "ascending") : "none";
  const next = state === "descending" ? column.key : `-${column.key}`;
  return (
    <span role="columnheader" class={column.end ? "end" : ""} aria-sort={state}>
      <button type="button" onClick={() => refine({ [`${name}.by`]: next })}>
        {column.title}
        <span aria-hidden="true" class="sort-sign">
          {SIGNS[state]}
        </span>
      </button>
    </span>
  );
}
