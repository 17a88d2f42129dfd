// What every page has: the sidebar, menus, password fields, and the places where the page speaks.
import { register } from "couach/lib/application";
import { setLocale } from "couach/lib/format";
import { loadTexts } from "couach/lib/texts";
import announcer from "couach/controllers/announcer_controller";
import drawer from "couach/controllers/drawer_controller";
import menu from "couach/controllers/menu_controller";
import password from "couach/controllers/password_controller";
import returnAddress from "couach/controllers/return_address_controller";

const { lang } = document.documentElement;
const texts = document.getElementById("texts");
setLocale(lang);
if (texts) loadTexts(JSON.parse(texts.textContent), lang);

register({ announcer, drawer, menu, password, "return-address": returnAddress });
