// What the pages of blind votes add: answers laid out as in the chat, and keys to choose with.
import { register } from "couach/lib/application";
import excerpt from "couach/controllers/excerpt_controller";
import reading from "couach/controllers/reading_controller";
import vote from "couach/controllers/vote_controller";

register({ excerpt, reading, vote });
