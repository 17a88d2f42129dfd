// What every page has: the sidebar, menus, password fields, the list of shortcuts, buttons that open dialogs, the place where the page speaks,
// forms that are sent once, and clicks that count once.
import { register } from "./lib/application.js";
import { openByButtons } from "./lib/dialogs.js";
import { DraftStore } from "./lib/draft_store.js";
import { setLocale } from "./lib/format.js";
import { addRegions } from "./lib/notices.js";
import { keepReturnAddress } from "./lib/return_address.js";
import { guardSecondClicks } from "./lib/second_click.js";
import { submitOnce } from "./lib/submit_once.js";
import { loadTexts } from "./lib/texts.js";
import drawer from "./controllers/drawer_controller.js";
import menu from "./controllers/menu_controller.js";
import password from "./controllers/password_controller.js";
import shortcutsDialog from "./controllers/shortcuts_dialog_controller.js";

const { lang } = document.documentElement;
const texts = document.getElementById("texts");
setLocale(lang);
submitOnce();
guardSecondClicks();
openByButtons();
keepReturnAddress();
addRegions();
if (texts) loadTexts(JSON.parse(texts.textContent), lang);

// After everything was erased this browser forgets what that person was writing too.
const erased = document.querySelector("[data-erased]");
if (erased) DraftStore.forPerson(erased.dataset.erased).clearAll();

register({ drawer, menu, password, "shortcuts-dialog": shortcutsDialog });
