// What every page has: the sidebar, menus, password fields, the list of shortcuts, the place where the page speaks,
// forms that are sent once, and clicks that count once.
import { register } from "couach/lib/application";
import { DraftStore } from "couach/lib/draft_store";
import { setLocale } from "couach/lib/format";
import { addRegions } from "couach/lib/notices";
import { keepReturnAddress } from "couach/lib/return_address";
import { guardSecondClicks } from "couach/lib/second_click";
import { submitOnce } from "couach/lib/submit_once";
import { loadTexts } from "couach/lib/texts";
import dialogOpener from "couach/controllers/dialog_opener_controller";
import drawer from "couach/controllers/drawer_controller";
import menu from "couach/controllers/menu_controller";
import password from "couach/controllers/password_controller";
import shortcutsDialog from "couach/controllers/shortcuts_dialog_controller";

const { lang } = document.documentElement;
const texts = document.getElementById("texts");
setLocale(lang);
submitOnce();
guardSecondClicks();
keepReturnAddress();
addRegions();
if (texts) loadTexts(JSON.parse(texts.textContent), lang);

// After everything was erased this browser forgets what that person was writing too.
const erased = document.querySelector("[data-erased]");
if (erased) DraftStore.forPerson(erased.dataset.erased).clearAll();

register({ "dialog-opener": dialogOpener, drawer, menu, password, "shortcuts-dialog": shortcutsDialog });
