// What the pages of shared conversations add: questions folded, answers laid out as in the chat, and copying.
import "./app.js";
import { register } from "./lib/application.js";
import { fold } from "./lib/fold.js";
import copy from "./controllers/copy_controller.js";
import readingArea from "./controllers/reading_area_controller.js";
import staticAnswer from "./controllers/static_answer_controller.js";

document.querySelectorAll(".turn--question").forEach(fold);
register({ copy, "reading-area": readingArea, "static-answer": staticAnswer });
