// What the chat page adds: writing, answers, the list of conversations. Other pages do not load the renderer.
import "./app.js";
import { conversation } from "couach/conversation";
import { register } from "couach/lib/application";
import { followHistory } from "couach/lib/history_nav";
import { readPage } from "couach/lib/page";
import { markRead } from "couach/lib/read_marker";
import { readAhead } from "couach/lib/reading_ahead";
import { fitAboveKeyboard } from "couach/lib/viewport";
import { welcome } from "couach/lib/welcome";
import answer from "couach/controllers/answer_controller";
import attachments from "couach/controllers/attachments_controller";
import composer from "couach/controllers/composer_controller";
import contextLimit from "couach/controllers/context_limit_controller";
import conversationItem from "couach/controllers/conversation_item_controller";
import copy from "couach/controllers/copy_controller";
import disclosure from "couach/controllers/disclosure_controller";
import editor from "couach/controllers/editor_controller";
import excerpt from "couach/controllers/excerpt_controller";
import exportDialog from "couach/controllers/export_dialog_controller";
import folder from "couach/controllers/folder_controller";
import gauge from "couach/controllers/gauge_controller";
import instructions from "couach/controllers/instructions_controller";
import modelPicker from "couach/controllers/model_picker_controller";
import moveDialog from "couach/controllers/move_dialog_controller";
import placeholders from "couach/controllers/placeholders_controller";
import prompts from "couach/controllers/prompts_controller";
import rename from "couach/controllers/rename_controller";
import searchDialog from "couach/controllers/search_dialog_controller";
import shareDialog from "couach/controllers/share_dialog_controller";
import shortcuts from "couach/controllers/shortcuts_controller";
import sidebar from "couach/controllers/sidebar_controller";
import status from "couach/controllers/status_controller";
import thread from "couach/controllers/thread_controller";
import topbar from "couach/controllers/topbar_controller";
import turnActions from "couach/controllers/turn_actions_controller";

conversation.open(readPage());
followHistory(conversation);
fitAboveKeyboard(document.querySelector(".shell"));
welcome(conversation);

register({
  answer, attachments, composer, "context-limit": contextLimit, "conversation-item": conversationItem, copy, disclosure,
  editor, excerpt, "export-dialog": exportDialog, folder, gauge, instructions, "model-picker": modelPicker,
  "move-dialog": moveDialog, placeholders, prompts, rename, "search-dialog": searchDialog, "share-dialog": shareDialog,
  shortcuts, sidebar, status, thread, topbar, "turn-actions": turnActions,
});

markRead(conversation);
readAhead(conversation, document.getElementById("message"));
