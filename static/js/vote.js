// What the pages of blind votes add: answers laid out as in the chat, and keys to choose with.
import "./app.js";
import { register } from "./lib/application.js";
import copy from "./controllers/copy_controller.js";
import excerpt from "./controllers/excerpt_controller.js";
import reading from "./controllers/reading_controller.js";
import vote from "./controllers/vote_controller.js";

register({ copy, excerpt, reading, vote });
