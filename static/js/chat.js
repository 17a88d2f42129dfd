// What the chat page adds: writing, answers, the list of conversations. Other pages do not load the renderer.
import "./app.js";
import { conversation } from "./conversation.js";
import { register } from "./lib/application.js";
import { readDocuments } from "./lib/document_reading.js";
import { followHistory } from "./lib/history_nav.js";
import { readPage } from "./lib/page.js";
import { markRead } from "./lib/read_marker.js";
import { readAhead } from "./lib/reading_ahead.js";
import { signReady } from "./lib/ready_sign.js";
import { fitAboveKeyboard } from "./lib/viewport.js";
import { welcome } from "./lib/welcome.js";
import answer from "./controllers/answer_controller.js";
import pastedTexts from "./controllers/pasted_texts_controller.js";
import composer from "./controllers/composer_controller.js";
import contextLimit from "./controllers/context_limit_controller.js";
import conversationItem from "./controllers/conversation_item_controller.js";
import copy from "./controllers/copy_controller.js";
import disclosure from "./controllers/disclosure_controller.js";
import documents from "./controllers/documents_controller.js";
import editor from "./controllers/editor_controller.js";
import exportDialog from "./controllers/export_dialog_controller.js";
import folder from "./controllers/folder_controller.js";
import gauge from "./controllers/gauge_controller.js";
import libraries from "./controllers/libraries_controller.js";
import modelPicker from "./controllers/model_picker_controller.js";
import moveDialog from "./controllers/move_dialog_controller.js";
import passages from "./controllers/passages_controller.js";
import placeholders from "./controllers/placeholders_controller.js";
import prompts from "./controllers/prompts_controller.js";
import reader from "./controllers/reader_controller.js";
import readingArea from "./controllers/reading_area_controller.js";
import rename from "./controllers/rename_controller.js";
import searchDialog from "./controllers/search_dialog_controller.js";
import shareDialog from "./controllers/share_dialog_controller.js";
import shortcuts from "./controllers/shortcuts_controller.js";
import sidebar from "./controllers/sidebar_controller.js";
import status from "./controllers/status_controller.js";
import thread from "./controllers/thread_controller.js";
import topbar from "./controllers/topbar_controller.js";
import turnActions from "./controllers/turn_actions_controller.js";

conversation.open(readPage());
followHistory(conversation);
fitAboveKeyboard(document.querySelector(".shell"));
welcome(conversation);

register({
  answer, "pasted-texts": pastedTexts, composer, "context-limit": contextLimit, "conversation-item": conversationItem, copy, disclosure,
  documents, editor, "export-dialog": exportDialog, folder, gauge, libraries, "model-picker": modelPicker,
  "move-dialog": moveDialog, passages, placeholders, prompts, reader, "reading-area": readingArea, rename,
  "search-dialog": searchDialog, "share-dialog": shareDialog, shortcuts, sidebar, status, thread, topbar,
  "turn-actions": turnActions,
});

markRead(conversation);
signReady(conversation);
readAhead(conversation, document.getElementById("message"));
readDocuments(conversation);
