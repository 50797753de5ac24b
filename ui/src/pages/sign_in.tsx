/** Who is looking? Asked where keys are configured. */

import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { t } from "../i18n";
import { Mark } from "../shell";
import { signIn } from "../state/session";

export function SignIn() {
  const [key, setKey] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(key.trim());
    } catch (refusal) {
      setError(refusal instanceof ApiError ? refusal : new ApiError(String(refusal), 0));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="alone">
      <form class="panel sign-in" onSubmit={(event) => void submit(event)}>
        <Mark />
        <h1>{t("sign_in.title")}</h1>
        <p class="quiet">{t("sign_in.words")}</p>
        <label for="key">{t("sign_in.key")}</label>
        <input
          id="key"
          type="password"
          autocomplete="current-password"
          dir="ltr"
          required
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        {error ? (
          <p class="wrong" role="alert">
            {error.message} {error.requestId ? <code dir="ltr">{error.requestId}</code> : null}
          </p>
        ) : null}
        <button class="primary" type="submit" disabled={busy}>
          {t("sign_in.go")}
        </button>
      </form>
    </main>
  );
}
