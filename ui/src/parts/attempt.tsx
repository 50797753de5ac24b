/** How is something done on the server, and tried again where that has failed? */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Failed } from "./state";

interface Attempt {
  attempt: (work: () => Promise<void>) => void;
  /** What is shown as long as the last attempt is one that failed. */
  failed: VNode | null;
}

export function useAttempt(): Attempt {
  const [failure, setFailure] = useState<{ is: unknown; again: () => void } | null>(null);
  const attempt = (work: () => Promise<void>): void => {
    work().then(
      () => setFailure(null),
      (problem: unknown) => setFailure({ is: problem, again: () => attempt(work) }),
    );
  };
  const failed = failure ? <Failed error={failure.is} retry={failure.again} /> : null;
  return { attempt, failed };
}
