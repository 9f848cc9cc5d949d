// The page of the lecture: its walk, its questions, its game and its figures.

import { chooseTerms } from "../lecture/dictionary.js";
import { one } from "../lecture/elements.js";
import { playGame } from "../lecture/game_board.js";
import { LiveFigure } from "../lecture/live_figure.js";
import { askQuiz } from "../lecture/quiz.js";
import { startWalk } from "../lecture/walk.js";

/** @type {Map<HTMLElement, LiveFigure>} */
const figures = new Map();

/**
 * Let the figure of a station train, once its question has been answered.
 * @param {HTMLElement} station
 */
function train(station) {
  const place = station.querySelector("[data-live]");
  if (!(place instanceof HTMLElement) || station.classList.contains("covered")) return;
  const figure = figures.get(station) ?? new LiveFigure(place);
  figures.set(station, figure);
  figure.resume();
}

for (const station of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".station"))) {
  if (station.querySelector(".quiz")) askQuiz(station, () => train(station));
  if (station.querySelector(".dictionary")) chooseTerms(one(station, ".dictionary"));
  if (station.querySelector(".game")) playGame(one(station, ".game"), Math.random);
}
startWalk(train, (station) => figures.get(station)?.leave());
