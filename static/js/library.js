// What the page of a library adds: sending documents, and following how they are read.
import "./app.js";
import { register } from "./lib/application.js";
import library from "./controllers/library_controller.js";

register({ library });
