// What the chat page adds: writing, answers, the list of conversations. Other pages do not load the renderer.
import { register } from "couach/lib/application";
import answer from "couach/controllers/answer_controller";
import boundary from "couach/controllers/boundary_controller";
import chat from "couach/controllers/chat_controller";
import composer from "couach/controllers/composer_controller";
import conversationItem from "couach/controllers/conversation_item_controller";
import copy from "couach/controllers/copy_controller";
import disclosure from "couach/controllers/disclosure_controller";
import greeting from "couach/controllers/greeting_controller";
import modelPicker from "couach/controllers/model_picker_controller";
import past from "couach/controllers/past_controller";
import prepared from "couach/controllers/prepared_controller";
import problem from "couach/controllers/problem_controller";
import readingAhead from "couach/controllers/reading_ahead_controller";
import rename from "couach/controllers/rename_controller";
import revisit from "couach/controllers/revisit_controller";
import shortcuts from "couach/controllers/shortcuts_controller";
import sidebar from "couach/controllers/sidebar_controller";
import status from "couach/controllers/status_controller";
import suggestion from "couach/controllers/suggestion_controller";
import think from "couach/controllers/think_controller";
import thread from "couach/controllers/thread_controller";
import title from "couach/controllers/title_controller";
import toasts from "couach/controllers/toasts_controller";
import viewport from "couach/controllers/viewport_controller";

register({
  past, // first: what it completes is connected with the rest
  toasts, sidebar, "conversation-item": conversationItem, rename, title, revisit, status, viewport,
  think, "model-picker": modelPicker, composer, prepared, problem, chat, boundary, thread, answer, copy, disclosure, greeting, suggestion, shortcuts,
  "reading-ahead": readingAhead,
});
