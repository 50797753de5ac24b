/** How is something done on the server, and tried again where that has failed? */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Failed } from "./state";

interface Attempt {
  attempt: (work: () => Promise<void>) => void;
  /** What is shown as long as the last attempt is one that failed. */
  failed: VNode | null;
  /** Whether one is under way. */
  busy: boolean;
}

export function useAttempt(): Attempt {
  const [failure, setFailure] = useState<{ is: unknown; again: () => void } | null>(null);
  const [under, setUnder] = useState(0);
  const attempt = (work: () => Promise<void>): void => {
    setFailure(null);
    setUnder((n) => n + 1);
    work()
      .catch((problem: unknown) => setFailure({ is: problem, again: () => attempt(work) }))
      .finally(() => setUnder((n) => n - 1));
  };
  const failed = failure ? <Failed error={failure.is} retry={failure.again} /> : null;
  return { attempt, failed, busy: under > 0 };
}
