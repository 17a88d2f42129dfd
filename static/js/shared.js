// What the pages of shared conversations add: the renderer for reading, and copying.
import "./app.js";
import { register } from "./lib/application.js";
import copy from "./controllers/copy_controller.js";
import excerpt from "./controllers/excerpt_controller.js";
import sharedAnswer from "./controllers/shared_answer_controller.js";
import sharedQuestion from "./controllers/shared_question_controller.js";

register({ excerpt, "shared-answer": sharedAnswer, "shared-question": sharedQuestion, copy });
