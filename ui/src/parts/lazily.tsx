/** What is shown that is read only when it is gone to? */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { lookForNews, outdated } from "../state/version";
import { Failed, Loading } from "./state";

interface LazilyProps<Props> {
  /** The same function as long as the same is shown. */
  load: () => Promise<{ default: ComponentType<Props> }>;
  with: Props;
  /** Of the page, where it is one. */
  title?: string;
}

export function Lazily<Props extends object>({ load, with: props, title }: LazilyProps<Props>) {
  const [loaded, setLoaded] = useState<{ Found?: ComponentType<Props>; error?: unknown }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    load().then(
      (module) => setLoaded({ Found: module.default }),
      async (error: unknown) => {
        // After an upgrade the server no longer has the parts of the page before.
        await lookForNews();
        setLoaded({ error });
      },
    );
  }, [load, turn]);
  const { Found, error } = loaded;
  if (Found) return <Found {...props} />;
  return (
    <>
      {title ? <h1 class="unseen">{title}</h1> : null}
      {!error ? (
        <Loading rows={6} />
      ) : outdated.value ? (
        <p class="empty quiet">{t("version.part")}</p>
      ) : (
        <Failed error={error} retry={() => setTurn(turn + 1)} />
      )}
    </>
  );
}
