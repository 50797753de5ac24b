/** Which custom elements may stand in JSX? */

import type { HTMLAttributes } from "preact";

type Control<More = object> = HTMLAttributes<HTMLElement> &
  More & {
    "accessible-name"?: string;
    design?: string;
    disabled?: boolean;
    icon?: string;
    slot?: string;
    tooltip?: string;
    value?: string;
    [event: `on${string}-${string}`]: ((event: CustomEvent) => void) | undefined;
  };

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "ui5-button": Control<{ "accessible-role"?: string }>;
      "ui5-icon": Control<{ mode?: string; name: string }>;
      "ui5-segmented-button": Control;
      "ui5-segmented-button-item": Control<{ selected?: boolean }>;
    }
  }
}
