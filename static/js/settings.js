// What the page of one's settings adds: copying.
import "./app.js";
import { register } from "couach/lib/application";
import copy from "couach/controllers/copy_controller";

register({ copy });
