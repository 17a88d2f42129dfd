// What the pages of blind votes add: answers laid out as in the chat, and keys to choose with.
import "./app.js";
import { register } from "./lib/application.js";
import copy from "./controllers/copy_controller.js";
import readingArea from "./controllers/reading_area_controller.js";
import staticAnswer from "./controllers/static_answer_controller.js";
import vote from "./controllers/vote_controller.js";

register({ copy, "reading-area": readingArea, "static-answer": staticAnswer, vote });
