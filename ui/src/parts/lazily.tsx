/** What is shown that is read only when it is gone to? */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failed, Loading } from "./state";

interface LazilyProps<Props> {
  /** The same function as long as the same is shown. */
  load: () => Promise<{ default: ComponentType<Props> }>;
  with: Props;
}

export function Lazily<Props extends object>({ load, with: props }: LazilyProps<Props>) {
  const [loaded, setLoaded] = useState<{ Found?: ComponentType<Props>; error?: unknown }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    load().then(
      (module) => setLoaded({ Found: module.default }),
      (error: unknown) => setLoaded({ error }),
    );
  }, [load, turn]);
  const { Found, error } = loaded;
  if (error) return <Failed error={error} retry={() => setTurn(turn + 1)} />;
  return Found ? <Found {...props} /> : <Loading rows={6} />;
}
