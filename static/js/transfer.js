// What the page of export and import adds.
import "./app.js";
import { register } from "./lib/application.js";
import importing from "./controllers/import_controller.js";

register({ import: importing });
