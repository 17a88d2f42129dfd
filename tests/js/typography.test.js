import assert from "node:assert/strict";
import { test } from "node:test";
import { frenchSpaces } from "../../static/js/lib/typography.js";

const visible = (text) => frenchSpaces(text).replaceAll("\u202F", "_").replaceAll("\u00A0", "~");

const CASES = {
  "Vraiment ! Oui ; non ? « ainsi » : fin": "Vraiment_! Oui_; non_? «_ainsi_»~: fin",
  "1 850 mots, 12 m, 38 %, 0,4 Wh, 7,9 mots/s, 18 °C": "1_850_mots, 12_m, 38_%, 0,4_Wh, 7,9_mots/s, 18_°C",
  "en 2024 500 personnes": "en 2024 500 personnes",
  "1 234 567 € et 12 mars": "1_234_567_€ et 12 mars",
  "l'eau, aujourd'hui, 'cité'": "l’eau, aujourd’hui, 'cité'",
  "Attendez... non....": "Attendez… non....",
  "http://a :b et 14:32": "http://a :b et 14:32",
  "It's 5 minutes? Yes!": "It’s 5 minutes? Yes!",
};

for (const [text, expected] of Object.entries(CASES)) test(text, () => assert.equal(visible(text), expected));
