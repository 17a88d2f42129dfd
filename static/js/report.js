// The charts of a report that stands alone: drawn when it opens, and as wide as the paper when it is printed.
import { Chart } from "./lib/charts/chart.js";
import { setLocale } from "./lib/format.js";

setLocale(document.documentElement.lang);
const charts = [...document.querySelectorAll("[data-chart-spec-value]")].map((figure) =>
  new Chart(figure.querySelector(".chart__box"), JSON.parse(figure.dataset.chartSpecValue)));
addEventListener("beforeprint", () => charts.forEach((chart) => chart.draw()));
