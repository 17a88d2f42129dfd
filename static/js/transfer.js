// What the page of export and import adds.
import "./app.js";
import { register } from "couach/lib/application";
import importing from "couach/controllers/import_controller";

register({ import: importing });
