/** Which of several views of one page is shown? It stands in the address; the first is the usual. */

import { type Key, t } from "../i18n";
import { place, refine } from "../state/place";

interface ViewsProps<Name extends string> {
  label: string;
  names: readonly [Name, ...Name[]];
  /** What their texts begin with. */
  prefix: string;
}

export function currentView<Name extends string>(names: readonly [Name, ...Name[]]): Name {
  return names.find((each) => each === place.value.query.view) ?? names[0];
}

export function Views<Name extends string>({ label, names, prefix }: ViewsProps<Name>) {
  const shown = currentView(names);
  return (
    <div class="views">
      <ui5-segmented-button
        accessible-name={label}
        onselection-change={(event: CustomEvent<{ selectedItems: HTMLElement[] }>) => {
          const view = event.detail.selectedItems[0]?.dataset.value ?? "";
          refine({ view: view === names[0] ? "" : view });
        }}
      >
        {names.map((each) => (
          <ui5-segmented-button-item key={each} data-value={each} selected={each === shown}>
            {t(`${prefix}${each}` as Key)}
          </ui5-segmented-button-item>
        ))}
      </ui5-segmented-button>
    </div>
  );
}
