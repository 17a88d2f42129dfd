// What the pages of blind votes add: answers laid out as in the chat, and keys to choose with.
import "./app.js";
import { register } from "couach/lib/application";
import copy from "couach/controllers/copy_controller";
import excerpt from "couach/controllers/excerpt_controller";
import reading from "couach/controllers/reading_controller";
import vote from "couach/controllers/vote_controller";

register({ copy, excerpt, reading, vote });
