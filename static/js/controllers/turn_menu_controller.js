// The menus in the foot of answers: made when they are first opened, because a conversation may have hundreds of answers.
import { Controller } from "@hotwired/stimulus";
import { clone } from "couach/lib/templates";

export default class extends Controller {
  open({ currentTarget: button, params }) {
    const place = button.parentElement;
    if (place.hasAttribute("data-controller")) return; // the button opens it by itself
    const panel = clone(params.panel);
    place.append(panel);
    button.setAttribute("data-menu-target", "button");
    place.setAttribute("data-controller", "menu");
    requestAnimationFrame(() => panel.showPopover()); // once its controller is there
  }
}
