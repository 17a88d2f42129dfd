// The charts of a report that stands alone: drawn when it opens, and as wide as the paper when it is printed.
import { Chart } from "couach/lib/charts/chart";
import { setLocale } from "couach/lib/format";

setLocale(document.documentElement.lang);
const charts = [...document.querySelectorAll("[data-chart-spec-value]")].map((figure) =>
  new Chart(figure.querySelector(".chart__box"), JSON.parse(figure.dataset.chartSpecValue)));
addEventListener("beforeprint", () => charts.forEach((chart) => chart.draw()));
