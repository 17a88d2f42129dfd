// What the pages of shared conversations add: questions folded, answers laid out as in the chat, and copying.
import "./app.js";
import { register } from "./lib/application.js";
import { fold } from "./lib/fold.js";
import copy from "./controllers/copy_controller.js";
import excerpt from "./controllers/excerpt_controller.js";
import reading from "./controllers/reading_controller.js";

document.querySelectorAll(".turn--question").forEach(fold);
register({ copy, excerpt, reading });
