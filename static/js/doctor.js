// What the page about the state of the server adds: following a comparison, and listening for held-back streams.
import "./app.js";
import { register } from "couach/lib/application";
import progress from "couach/controllers/progress_controller";
import sseProbe from "couach/controllers/sse_probe_controller";

register({ progress, "sse-probe": sseProbe });
