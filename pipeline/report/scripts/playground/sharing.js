// What a person takes along: a link to the setting, and the YAML of a sweep.

import { addressOf } from "../playground/setting_address.js";
import { sweepYaml } from "../playground/sweep_yaml.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */

const PAUSE = 200;  // milliseconds: browsers stop pages that change their address at every frame

/**
 * Let the buttons below the page take a setting along.
 * @param {(id: string) => HTMLElement} find An element by its id.
 * @param {Setting} usual The setting of an address that says nothing.
 * @returns {(setting: Setting, asked: boolean) => void} To be called with every setting that can be trained; one that
 *   the address asked for leaves the address as it is.
 */
export function createSharing(find, usual) {
  let setting = usual, waiting = 0;
  const write = () => history.replaceState(null, "", location.pathname + addressOf(setting, usual));
  const say = (/** @type {string} */ text) => {
    find("copied").textContent = text;
  };
  const copy = async (/** @type {string} */ text, /** @type {string} */ what) => {
    try {
      await navigator.clipboard.writeText(text);
      say(`Copied ${what}.`);
    } catch {
      say(`This browser lets no page copy ${what}: select it, and copy it by hand.`);
    }
  };
  find("copy").addEventListener("click", () => copy(find("yaml").textContent ?? "", "the YAML"));
  find("share").addEventListener("click", () => {
    write();
    copy(location.href, "the link");
  });
  download(find("download"), () => find("yaml").textContent ?? "");
  return (next, asked) => {
    setting = next;
    find("yaml").textContent = sweepYaml(next, "Which rate is best near the one that was played?");
    clearTimeout(waiting);
    if (!asked) waiting = window.setTimeout(write, PAUSE);
    say("");
  };
}

/**
 * A link that saves a text, made when it is followed.
 * @param {HTMLElement} link
 * @param {() => string} text
 */
function download(link, text) {
  const anchor = /** @type {HTMLAnchorElement} */ (link);
  anchor.href = "#";
  anchor.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([text()], { type: "text/plain" }));
    anchor.href = url;
    setTimeout(() => {
      URL.revokeObjectURL(url);
      anchor.href = "#";
    }, 1000);
  });
}
