// What the page of one's settings adds: copying.
import "./app.js";
import { register } from "./lib/application.js";
import copy from "./controllers/copy_controller.js";

register({ copy });
