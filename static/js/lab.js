// What the Labo's pages add: charts, weights and the recommendation, tables that sort, the progress of a run.
import "./app.js";
import { register } from "couach/lib/application";
import copy from "couach/controllers/copy_controller";
import progress from "couach/controllers/progress_controller";
import sortTable from "couach/controllers/sort_table_controller";
import tradeoff from "couach/controllers/tradeoff_controller";

register({ copy, progress, "sort-table": sortTable, tradeoff });

// Observable Plot is twice as large as all the rest: for pages with a chart only.
if (document.querySelector("[data-controller~=chart]")) {
  import("couach/controllers/chart_controller").then(({ default: chart }) => register({ chart }));
}
