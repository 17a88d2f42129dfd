// What the page of the models adds: sending a model's file.
import "./app.js";
import { register } from "./lib/application.js";
import modelUpload from "./controllers/model_upload_controller.js";

register({ "model-upload": modelUpload });
