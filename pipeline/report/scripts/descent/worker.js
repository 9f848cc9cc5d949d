/** A worker that plays one trial: messages of the page in, frames out. */

import { Session } from "../descent/session.js";

/** Milliseconds of a slice: less than a frame, so that messages are heard in between. */
const BUDGET = 12;

const session = new Session((answer) => self.postMessage(answer), BUDGET);
self.addEventListener("message", (event) => session.receive(event.data));
