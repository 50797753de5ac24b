/** How is shown, page by page, what there may be far more of than a page holds? */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, url } from "../api/client";
import { t } from "../i18n";
import { cadence, paused, place } from "../state/place";
import { Grid, type Shape } from "./grid";
import { Failed, Loading } from "./state";

/** What is asked for, by the names that the server has for it. */
export type Wish = Readonly<Record<string, string>>;

interface Page<Row> {
  rows: readonly Row[];
  next_cursor: string | null;
}

interface PagedProps<Row, Body> {
  name: string;
  label: string;
  /** Where pages are given out, and where all of it is. */
  path: string;
  files: string;
  wish: Wish;
  /** What is asked for it now, where that depends on when. */
  asked?: (wish: Wish) => Wish;
  /** How many a page has at most; the server's own bound. */
  page: number;
  rowsOf: (body: Body) => Page<Row>;
  columns: readonly Shape<Row>[];
  id: (row: Row) => string;
  open?: (row: Row) => void;
  height?: number;
  /** Looked at again at the cadence, as long as it is the first page. */
  live?: true;
  /** Where there is nothing at all. */
  empty: ComponentChildren;
  /** Another number: something has changed. */
  turn?: number;
}

const MOST = 10_000;
const same = (wish: Wish) => wish;
const TYPING_MS = 300;

interface Loaded<Row> {
  rows: readonly Row[];
  cursor: string | null;
  whole: boolean;
  pages: number;
}

/** A grid that the server searches, and of which it gives out everything. */
export function Paged<Row extends object, Body>(props: PagedProps<Row, Body>) {
  const { name, wish, files, asked = same } = props;
  const words = place.value.query[`${name}.q`]?.trim() ?? "";
  const wanted: Wish = words ? { ...wish, q: words } : wish;
  const { loaded, error, busy, more, again } = usePages(props, wanted);
  if (!loaded) return error ? <Failed error={error} retry={again} /> : <Loading rows={8} />;
  return (
    <>
      <Grid
        {...props}
        rows={loaded.rows}
        searched
        files={(format) => url(files, { format, ...asked(wanted) })}
        atEnd={more}
        tools={
          loaded.whole ? null : (
            <ui5-button design="Transparent" disabled={busy} onClick={more}>
              {t(loaded.rows.length ? "grid.more" : "grid.further")}
            </ui5-button>
          )
        }
        empty={
          Object.keys(wish).length ? (
            <p class="empty quiet">{t("grid.nothing_found")}</p>
          ) : (
            props.empty
          )
        }
      />
      {error ? <Failed error={error} retry={loaded.rows.length ? more : again} /> : null}
    </>
  );
}

/** Pages, one after the other, as far as somebody scrolls. */
function usePages<Row extends object, Body>(props: PagedProps<Row, Body>, wish: Wish) {
  const [loaded, setLoaded] = useState<Loaded<Row> | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const turn = useRef(0);
  const asking = useRef(false);

  const ask = async (from: Loaded<Row> | null) => {
    const mine = turn.current;
    asking.current = true;
    setBusy(true);
    try {
      const query = { limit: props.page, cursor: from?.cursor, ...(props.asked ?? same)(wish) };
      const page = props.rowsOf(await call<Body>(props.path, { query }));
      if (mine !== turn.current) return;
      const rows = [...(from?.rows ?? []), ...page.rows];
      const whole = !page.next_cursor || rows.length >= MOST;
      setLoaded({ rows, cursor: page.next_cursor, whole, pages: (from?.pages ?? 0) + 1 });
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
  const latest = useRef(again);
  latest.current = again;

  const { q, ...chosen } = wish;
  const key = JSON.stringify(chosen);
  const typed = useRef(q);
  useEffect(() => {
    setLoaded(null);
    latest.current();
  }, [key]);
  useEffect(() => {
    // While somebody types, what was found stays, and nothing is asked for.
    if (typed.current === q) return;
    const timer = setTimeout(() => {
      typed.current = q;
      latest.current();
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [q]);
  const changes = useRef(props.turn);
  useEffect(() => {
    if (changes.current !== props.turn) latest.current();
    changes.current = props.turn;
  }, [props.turn]);

  const first = loaded?.pages === 1;
  const beating = props.live && first && !paused.value;
  const seconds = cadence.value;
  useEffect(() => {
    if (!beating) return;
    const timer = setInterval(() => {
      if (!document.hidden && !asking.current) latest.current();
    }, 1_000 * seconds);
    return () => clearInterval(timer);
  }, [beating, seconds]);
  return { loaded, error, busy, more, again };
}
