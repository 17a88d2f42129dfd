// What the chat page adds: writing, answers, the list of conversations. Other pages do not load the renderer.
import "./app.js";
import { register } from "couach/lib/application";
import again from "couach/controllers/again_controller";
import answer from "couach/controllers/answer_controller";
import attachments from "couach/controllers/attachments_controller";
import boundary from "couach/controllers/boundary_controller";
import branch from "couach/controllers/branch_controller";
import chat from "couach/controllers/chat_controller";
import composer from "couach/controllers/composer_controller";
import conversationItem from "couach/controllers/conversation_item_controller";
import copy from "couach/controllers/copy_controller";
import disclosure from "couach/controllers/disclosure_controller";
import editor from "couach/controllers/editor_controller";
import exportDialog from "couach/controllers/export_dialog_controller";
import folder from "couach/controllers/folder_controller";
import folders from "couach/controllers/folders_controller";
import excerpt from "couach/controllers/excerpt_controller";
import gauge from "couach/controllers/gauge_controller";
import greeting from "couach/controllers/greeting_controller";
import instructions from "couach/controllers/instructions_controller";
import landing from "couach/controllers/landing_controller";
import listKeys from "couach/controllers/list_keys_controller";
import modelPicker from "couach/controllers/model_picker_controller";
import moveDialog from "couach/controllers/move_dialog_controller";
import past from "couach/controllers/past_controller";
import places from "couach/controllers/places_controller";
import prepared from "couach/controllers/prepared_controller";
import problem from "couach/controllers/problem_controller";
import prompts from "couach/controllers/prompts_controller";
import rating from "couach/controllers/rating_controller";
import readingAhead from "couach/controllers/reading_ahead_controller";
import rename from "couach/controllers/rename_controller";
import revisit from "couach/controllers/revisit_controller";
import searchDialog from "couach/controllers/search_dialog_controller";
import searchOpener from "couach/controllers/search_opener_controller";
import seen from "couach/controllers/seen_controller";
import shareDialog from "couach/controllers/share_dialog_controller";
import shareOpener from "couach/controllers/share_opener_controller";
import shortcuts from "couach/controllers/shortcuts_controller";
import sidebar from "couach/controllers/sidebar_controller";
import status from "couach/controllers/status_controller";
import suggestion from "couach/controllers/suggestion_controller";
import think from "couach/controllers/think_controller";
import thread from "couach/controllers/thread_controller";
import title from "couach/controllers/title_controller";
import toasts from "couach/controllers/toasts_controller";
import turnMenu from "couach/controllers/turn_menu_controller";
import viewport from "couach/controllers/viewport_controller";

register({
  past, // first: what it completes is connected with the rest
  again, // before the status, which it listens to
  toasts, sidebar, "conversation-item": conversationItem, rename, title, revisit, status, viewport,
  think, "model-picker": modelPicker, instructions,
  attachments, places, prompts, gauge, composer, // in this order: what the composer tells first, they must hear
  prepared, problem, chat, boundary, branch, editor, rating, "turn-menu": turnMenu, thread, excerpt, answer, copy, disclosure, greeting, suggestion, shortcuts,
  "reading-ahead": readingAhead, landing, seen,
  folder, folders, "list-keys": listKeys, "move-dialog": moveDialog, "export-dialog": exportDialog, "share-dialog": shareDialog, "share-opener": shareOpener, "search-dialog": searchDialog, "search-opener": searchOpener,
});
