/** Which page is shown? */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { type Key, language, t } from "./i18n";
import { Overview } from "./pages/overview";
import { SignIn } from "./pages/sign_in";
import { Lazily } from "./parts/lazily";
import { Failed, Loading } from "./parts/state";
import { Shell } from "./shell";
import { type Page, place } from "./state/place";
import { askWhoIsHere, session, unreachable } from "./state/session";

type View = () => JSX.Element;
type Load = () => Promise<{ default: View }>;

/** Read when they are first gone to. */
const LATER: Record<Exclude<Page, "overview">, Load> = {
  agents: () => import("./pages/agents"),
  models: () => import("./pages/models"),
  decisions: () => import("./pages/decisions"),
  alerts: () => import("./pages/alerts"),
  analytics: () => import("./pages/analytics"),
  settings: () => import("./pages/settings"),
};

export function App() {
  const page = place.value.page;
  const spoken = language.value;
  useEffect(() => {
    document.title = `${t(`page.${page}` as Key)} · pointsman`;
  }, [page, spoken]);
  if (unreachable.value && !session.value) {
    return (
      <main class="alone">
        <Failed error={unreachable.value} retry={() => void askWhoIsHere()} />
      </main>
    );
  }
  if (!session.value) return <Loading />;
  if (!session.value.signed_in) return <SignIn />;
  return (
    <Shell>
      {page === "overview" ? (
        <Overview />
      ) : (
        <Lazily key={page} load={LATER[page]} with={{}} title={t(`page.${page}` as Key)} />
      )}
    </Shell>
  );
}
