// What every page has: the sidebar, menus, password fields, the list of shortcuts, the place where the page speaks, forms that are sent once, and clicks that count once.
import { register } from "couach/lib/application";
import { setLocale } from "couach/lib/format";
import { guardSecondClicks } from "couach/lib/second_click";
import { submitOnce } from "couach/lib/submit_once";
import { loadTexts } from "couach/lib/texts";
import announcer from "couach/controllers/announcer_controller";
import drawer from "couach/controllers/drawer_controller";
import forget from "couach/controllers/forget_controller";
import menu from "couach/controllers/menu_controller";
import password from "couach/controllers/password_controller";
import returnAddress from "couach/controllers/return_address_controller";
import shortcutsDialog from "couach/controllers/shortcuts_dialog_controller";
import shortcutsOpener from "couach/controllers/shortcuts_opener_controller";

const { lang } = document.documentElement;
const texts = document.getElementById("texts");
setLocale(lang);
submitOnce();
guardSecondClicks();
if (texts) loadTexts(JSON.parse(texts.textContent), lang);

register({
  announcer, drawer, forget, menu, password, "return-address": returnAddress,
  "shortcuts-dialog": shortcutsDialog, "shortcuts-opener": shortcutsOpener,
});
