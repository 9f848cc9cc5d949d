// The page of the lecture: its walk, its questions and its game.

import { one } from "../lecture/elements.js";
import { playGame } from "../lecture/game_board.js";
import { askQuiz } from "../lecture/quiz.js";
import { startWalk } from "../lecture/walk.js";

for (const station of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".station"))) {
  if (station.querySelector(".quiz")) askQuiz(station, () => {});
  if (station.querySelector(".game")) playGame(one(station, ".game"), Math.random);
}
startWalk(() => {}, () => {});
