// Sends a body and tells how much of it has left, which fetch cannot.
import { Problem, formHeaders } from "./http.js";

export class Stopped extends Error {}

// progress(sent, total), in bytes. Resolves with the answer in JSON; rejects with a Problem where the server refuses, with Stopped
// when `signal` ends it, with a TypeError when the server is out of reach.
export function upload(url, body, { headers = formHeaders(), progress = () => {}, signal } = {}) {
  if (signal?.aborted) return Promise.reject(new Stopped());
  const sending = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    sending.upload.onprogress = ({ loaded, total }) => progress(loaded, total);
    sending.onload = () => {
      const answer = parsed(sending.responseText);
      const isTaken = sending.status >= 200 && sending.status < 300 && answer !== null;
      if (isTaken) resolve(answer);
      else reject(new Problem({ ...answer, status: sending.status }));
    };
    sending.onerror = () => reject(new TypeError("connection lost"));
    sending.onabort = () => reject(new Stopped());
    signal?.addEventListener("abort", () => sending.abort());
    sending.open("POST", url);
    for (const [name, value] of Object.entries(headers)) sending.setRequestHeader(name, value);
    sending.send(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
