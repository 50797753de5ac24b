/** How much of what was tried came to a good end? */

import { percent } from "./format";
import { Num } from "./num";
import { Tag } from "./panel";
import { toneOfSuccess } from "./severity";

export function Success({ share }: { share: number | null | undefined }) {
  if (share === null || share === undefined) return <span class="quiet">–</span>;
  return (
    <Tag tone={toneOfSuccess(share)}>
      <Num>{percent(share)}</Num>
    </Tag>
  );
}
