// The page of a run as an instrument: a map on which a cell is chosen, the trial that it shows, and all trials beside it.

import { namesPlace, readAddress, writeAddress } from "./address.js";
import { createBrush } from "./brush.js";
import { addressOf, cellNear, chosenBy, trialWithSeed } from "./choice.js";
import { createChoices } from "./choices.js";
import { element } from "./elements.js";
import { createRateMap } from "./rate_map.js";
import { enhanceTables } from "./sortable_tables.js";
import { createSweep } from "./sweep.js";
import { mapOf } from "./map_content.js";
import { createTrialPanel } from "./trial_panel.js";

/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./sweep.js").Sweep} Sweep */

/**
 * The explorer of a run, in its place.
 * @param {HTMLElement} place
 * @param {Sweep} sweep
 */
function explore(place, sweep) {
  const fault = element("p", { class: "fault", role: "status", hidden: true }),
    mapPlace = element("div", { class: "map" });
  /** @type {Choice} */
  let choice = chosenBy(sweep, readAddress("")).choice;
  let mapped = "";
  /** @type {number[][]} */
  let cells = [];

  /** @param {Partial<Choice>} changes @param {boolean} [isLast] */
  function change(changes, isLast = true) {
    const before = choice;
    choice = { ...choice, ...changes };
    if (isLast) remember(sweep, before, choice);
    fault.hidden = true;
    show();
  }
  const choose = (/** @type {number} */ cell) => {
    if (cell >= 0) change({ trial: trialWithSeed(sweep, cell, choice.trial) });
  };
  const choices = createChoices(sweep, {
    axis: (axis, value) => choose(cellNear(sweep, sweep.trials.cell[choice.trial], { [axis]: value })),
    trial: (trial) => change({ trial }),
    shown: (shown) => change({ shown }),
    curve: (curve) => change({ curve }),
  });
  const map = createRateMap(mapPlace, ({ row, column }) => choose(cells[row][column]));
  const panel = createTrialPanel(sweep, choices.ofTrial, place.dataset.play ?? "", change),
    brush = createBrush(sweep, change);

  function show() {
    const cell = sweep.trials.cell[choice.trial],
      problem = sweep.cells.problem[cell],
      model = sweep.cells.model[cell];
    const wanted = `${problem} ${model} ${choice.shown}`;
    const chosen = () => placeAmong(cells, cell);
    if (wanted !== mapped) {
      const drawn = mapOf(sweep, problem, model, choice.shown);
      [cells, mapped] = [drawn.cells, wanted];
      map.draw(drawn.map, chosen());
    } else map.choose(chosen());
    choices.show(choice);
    panel.show(choice);
    brush.show(choice);
  }

  function follow() {
    const found = chosenBy(sweep, readAddress(location.hash, location.search));
    choice = found.choice;
    fault.textContent = found.faults.join(" ");
    fault.hidden = !found.faults.length;
    show();
  }
  const sentences = sweep.data.sentences.map((sentence) => element("p", { class: "quiet" }, sentence));
  const body = element("div", { class: "instrument" }, element("div", { class: "side" }, mapPlace), panel.whole);
  place.append(fault, choices.ofMap, body, brush.whole, ...sentences);
  place.hidden = false;
  place.addEventListener("keydown", (event) => {
    if (event.key !== " " || isOperated(event.target)) return;
    event.preventDefault();
    panel.toggle();
  });
  addEventListener("hashchange", () => {
    if (!namesPlace(location.hash)) follow();
  });
  follow();
}

/**
 * Whether a space means something to what has the focus.
 * @param {EventTarget | null} target
 */
const isOperated = (target) =>
  target instanceof Element && target.closest("button, select, summary, a, input:not([type=range])") !== null;

/** @param {number[][]} rows @param {number} cell */
function placeAmong(rows, cell) {
  const row = rows.findIndex((places) => places.includes(cell));
  return row < 0 ? null : { row, column: rows[row].indexOf(cell) };
}

/**
 * Another trial is another page to go back to; a step, or bounds, are where one is on it.
 * @param {Sweep} sweep
 * @param {Choice} before
 * @param {Choice} choice
 */
function remember(sweep, before, choice) {
  const address = writeAddress(addressOf(sweep, choice)),
    isNew = before.trial !== choice.trial || before.shown !== choice.shown;
  if (isNew) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

function begin() {
  enhanceTables();
  const place = document.getElementById("explorer"),
    data = document.getElementById("run-data");
  if (!place || !data) return;
  try {
    const sweep = createSweep(JSON.parse(data.textContent ?? ""));
    if (sweep.trials.id.length) explore(place, sweep);
  } catch (error) {
    place.hidden = false;
    place.append(
      element(
        "p",
        { class: "fault", role: "status" },
        `This run cannot be explored here: ${error instanceof Error ? error.message : error}.`,
      ),
    );
    console.error(error);
  }
}

begin();
