// What the page about the state of the server adds: following a comparison, and listening for held-back streams.
import "./app.js";
import { register } from "./lib/application.js";
import { listenToBeats } from "./lib/sse_probe.js";
import progress from "./controllers/progress_controller.js";

register({ progress });

// Of the findings about it, the one that was heard is shown.
const findings = document.querySelector("[data-probe]");
const heard = await listenToBeats(findings.dataset.probe);
for (const finding of findings.querySelectorAll("[data-heard]")) finding.hidden = finding.dataset.heard !== heard;
