/** Descent beside the page: in a worker, or where a browser has none, in slices of time on the page itself. */

import { Session } from "../descent/session.js";

/** @typedef {import("./session.js").Answer} Answer */
/** @typedef {import("./session.js").Request} Request */

/** Milliseconds of a slice on the page, which has to draw in the same frame. */
const BUDGET = 6;

/**
 * Begin to play trials. The script of the page, with the id `worker`, is that of the worker too.
 * @param {(answer: Answer) => void} onMessage Is told every answer; the next frame is made after it has been shown.
 * @returns {{send: (request: Request) => void, stop: () => void}}
 */
export function startDescent(onMessage) {
  const worker = startedWorker();
  if (worker === null) return onPage(onMessage);
  /** @type {{send: (request: Request) => void, stop: () => void} | null} */
  let instead = null;
  let heard = false;
  /** @type {Request[]} */
  const sent = [];
  worker.addEventListener("message", (event) => {
    heard = true;
    onMessage(event.data);
    if (event.data.kind === "frame") worker.postMessage({ kind: "shown" });
  });
  worker.addEventListener("error", () => {
    if (heard) return onMessage({ kind: "refused", sentences: ["Descent has stopped with an error: load the page again."] });
    if (instead) return;
    instead = onPage(onMessage);
    sent.forEach(instead.send);
  });
  return {
    send: (request) => {
      if (instead) return instead.send(request);
      if (!heard) sent.push(request);
      worker.postMessage(request);
    },
    stop: () => (instead ? instead.stop() : worker.terminate()),
  };
}

/**
 * @returns {Worker | null} Null where the browser has no workers, or starts none from a page like this.
 */
function startedWorker() {
  const code = document.getElementById("worker")?.textContent;
  if (!code || typeof Worker === "undefined") return null;
  try {
    return new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  } catch {
    return null;
  }
}

/**
 * Play on the page itself.
 * @param {(answer: Answer) => void} onMessage
 * @returns {{send: (request: Request) => void, stop: () => void}}
 */
function onPage(onMessage) {
  const session = new Session((answer) => {
    onMessage(answer);
    if (answer.kind === "frame") session.receive({ kind: "shown" });
  }, BUDGET);
  return { send: (request) => session.receive(request), stop: () => session.stop() };
}
