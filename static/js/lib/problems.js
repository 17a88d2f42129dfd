// The sentence that tells a person why something did not work.
import { Problem } from "./http.js";
import { t } from "./texts.js";

export function sentence(error) {
  if (!(error instanceof Problem)) return t("error_unreachable");
  if (error.detail) return error.detail;
  return error.code === "connection_lost" ? t("error_connection_lost") : t("error_unexpected");
}

// The session ended, or the page outlived its anti-forgery token.
export const needsNewPage = (error) => error instanceof Problem && (error.status === 401 || error.code === "csrf_failed");
