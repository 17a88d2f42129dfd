// A chart beside its table: draws what the page describes.
import { Controller } from "@hotwired/stimulus";
import { Chart } from "../lib/charts/chart.js";

export default class extends Controller {
  static targets = ["box"];
  static values = { spec: Object };

  connect() {
    this.chart = new Chart(this.boxTarget, this.specValue);
  }

  disconnect() {
    this.chart.stop();
  }

  draw(spec) {
    this.chart.draw(spec);
  }
}
