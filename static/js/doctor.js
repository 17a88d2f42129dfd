// What the page about the state of the server adds: following a comparison, and listening for held-back streams.
import "./app.js";
import { register } from "./lib/application.js";
import progress from "./controllers/progress_controller.js";
import sseProbe from "./controllers/sse_probe_controller.js";

register({ progress, "sse-probe": sseProbe });
