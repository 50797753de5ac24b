/** Which controls are taken from UI5 Web Components, and in which themes and languages? */

import "@ui5/webcomponents/dist/Button.js";
import "@ui5/webcomponents/dist/Icon.js";
import "@ui5/webcomponents/dist/SegmentedButton.js";
import "@ui5/webcomponents/dist/SegmentedButtonItem.js";
import "./icons";
import { registerI18nLoader } from "@ui5/webcomponents-base/dist/asset-registries/i18n.js";
import { registerLocaleDataLoader } from "@ui5/webcomponents-base/dist/asset-registries/LocaleData.js";
import { registerThemePropertiesLoader } from "@ui5/webcomponents-base/dist/asset-registries/Themes.js";

type Loader = () => Promise<{ default: unknown }>;

const TOKENS: Record<string, Loader> = {
  sap_horizon: () =>
    import("@ui5/webcomponents-theming/dist/generated/assets/themes/sap_horizon/parameters-bundle.css.json"),
  sap_horizon_dark: () =>
    import("@ui5/webcomponents-theming/dist/generated/assets/themes/sap_horizon_dark/parameters-bundle.css.json"),
  sap_horizon_hcb: () =>
    import("@ui5/webcomponents-theming/dist/generated/assets/themes/sap_horizon_hcb/parameters-bundle.css.json"),
  sap_horizon_hcw: () =>
    import("@ui5/webcomponents-theming/dist/generated/assets/themes/sap_horizon_hcw/parameters-bundle.css.json"),
};

const CONTROLS: Record<string, Loader> = {
  sap_horizon: () =>
    import("@ui5/webcomponents/dist/generated/assets/themes/sap_horizon/parameters-bundle.css.json"),
  sap_horizon_dark: () =>
    import("@ui5/webcomponents/dist/generated/assets/themes/sap_horizon_dark/parameters-bundle.css.json"),
  sap_horizon_hcb: () =>
    import("@ui5/webcomponents/dist/generated/assets/themes/sap_horizon_hcb/parameters-bundle.css.json"),
  sap_horizon_hcw: () =>
    import("@ui5/webcomponents/dist/generated/assets/themes/sap_horizon_hcw/parameters-bundle.css.json"),
};

for (const [theme, load] of Object.entries(TOKENS)) {
  registerThemePropertiesLoader(
    "@ui5/webcomponents-theming",
    theme,
    async () => (await load()).default as string,
  );
}
for (const [theme, load] of Object.entries(CONTROLS)) {
  // "host": the controls' own variables go into their shadow roots. Without it nothing is styled.
  registerThemePropertiesLoader(
    "@ui5/webcomponents",
    theme,
    async () => (await load()).default as string,
    "host",
  );
}
// No control here writes dates or numbers; without this its texts for them would come from a CDN.
for (const locale of ["en", "ar"]) registerLocaleDataLoader(locale, () => Promise.resolve({}));
registerI18nLoader("@ui5/webcomponents", "ar", async () => {
  const texts = await import("@ui5/webcomponents/dist/generated/assets/i18n/messagebundle_ar.json");
  return texts.default;
});
