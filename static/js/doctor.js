// What the page about the state of the server adds: following a comparison, and listening for held-back streams.
import "./app.js";
import { register } from "couach/lib/application";
import beat from "couach/controllers/beat_controller";
import doctor from "couach/controllers/doctor_controller";

register({ beat, doctor });
