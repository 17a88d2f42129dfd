// What the Labo's pages add: charts, weights and the recommendation, tables that sort, the progress of a run.
import { register } from "couach/lib/application";
import chart from "couach/controllers/chart_controller";
import copy from "couach/controllers/copy_controller";
import labProgress from "couach/controllers/lab_progress_controller";
import sortTable from "couach/controllers/sort_table_controller";
import tradeoff from "couach/controllers/tradeoff_controller";

register({ chart, copy, "lab-progress": labProgress, "sort-table": sortTable, tradeoff });
