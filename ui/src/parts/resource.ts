/** How is something asked of the server, kept fresh, and still shown when asking fails? */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { cadence, paused } from "../state/place";

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  reload: () => void;
}

/**
 * What `ask` answers, asked again whenever `key` changes and, if it is `live`, at the cadence; at
 * the soonest after so many seconds, where a number is given.
 * While the page is hidden or paused nothing is asked; what was there stays when asking fails.
 */
export function useResource<T>(
  key: string,
  ask: (signal: AbortSignal) => Promise<T>,
  live: boolean | number = false,
): Resource<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: unknown }>({ key });
  const [turn, setTurn] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  const reload = useCallback(() => setTurn((n) => n + 1), []);

  useEffect(() => {
    const abort = new AbortController();
    asking.current(abort.signal).then(
      (data) => setState({ key, data }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setState((was) => ({ ...(was.key === key ? was : { key }), error }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);

  const seconds = Math.max(cadence.value, Number(live));
  const resting = paused.value;
  useEffect(() => {
    if (!live || resting) return;
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, seconds * 1_000);
    return () => clearInterval(timer);
  }, [live, resting, seconds, reload]);

  const current = state.key === key ? state : undefined;
  return { data: current?.data, error: current?.error, reload };
}
