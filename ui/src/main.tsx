/** How does the dashboard start? */

import "./styles/fonts.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./ui5";
import { render } from "preact";
import { App } from "./app";
import { followKeys } from "./state/keys";
import { listen } from "./state/live";
import { applyLooks } from "./state/looks";
import { followAddress } from "./state/place";
import { askWhoIsHere } from "./state/session";

followAddress();
followKeys();
const asked = askWhoIsHere();
listen();
await Promise.all([applyLooks(), asked]);
const root = document.getElementById("app");
if (root) render(<App />, root);
