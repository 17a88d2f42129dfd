// What the pages of shared conversations add: the renderer for reading, and copying.
import "./app.js";
import { register } from "couach/lib/application";
import copy from "couach/controllers/copy_controller";
import excerpt from "couach/controllers/excerpt_controller";
import sharedAnswer from "couach/controllers/shared_answer_controller";

register({ excerpt, "shared-answer": sharedAnswer, copy });
