// The one Stimulus application of a page.
import { Application } from "@hotwired/stimulus";

export const application = Application.start();

export function register(controllers) {
  for (const [name, controller] of Object.entries(controllers)) application.register(name, controller);
}
