// What the Labo's pages add: charts, weights and the recommendation, tables that sort, the progress of a run.
import "./app.js";
import { register } from "./lib/application.js";
import copy from "./controllers/copy_controller.js";
import progress from "./controllers/progress_controller.js";
import sortTable from "./controllers/sort_table_controller.js";
import tradeoff from "./controllers/tradeoff_controller.js";

register({ copy, progress, "sort-table": sortTable, tradeoff });

// Observable Plot is twice as large as all the rest: for pages with a chart only.
if (document.querySelector("[data-controller~=chart]")) {
  import("./controllers/chart_controller.js").then(({ default: chart }) => register({ chart }));
}
