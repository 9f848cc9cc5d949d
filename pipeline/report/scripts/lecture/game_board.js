// The number game on the page: ten numbers to press, or to type.

import { button, element } from "../lecture/elements.js";
import {
  asSum,
  comparison,
  further,
  instruction,
  isEnded,
  listed,
  newGame,
  nextMove,
  roundOf,
  told,
  withNumber,
} from "../lecture/game.js";
import { NUMBERS } from "../lecture/game_rules.js";

/**
 * Play the game in a place of the page.
 * @param {HTMLElement} place
 * @param {() => number} random
 */
export function playGame(place, random) {
  let game = newGame(random);
  /** @param {import("../lecture/game.js").Game} changed */
  const move = (changed) => {
    game = changed;
    show();
  };
  const numbers = NUMBERS.map((number) => button(String(number), () => move(withNumber(game, number))));
  const status = element("p", { role: "status", class: "told" }), chosen = element("p", { class: "sum" });
  const go = button("", () => move(further(game)), { class: "go" });
  const again = button("Play again", () => move(newGame(random)), { class: "go" });
  const played = element("ol", { class: "played" }), ending = element("div", { class: "ending" });
  const keys = element("div", { class: "numbers", role: "group", "aria-label": "The numbers 0 to 9" }, ...numbers);
  place.append(status, keys, chosen, element("p", {}, go, again), played, ending);
  place.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return;
    event.preventDefault();
    numbers[Number(event.key)].click();
  });

  function show() {
    const round = roundOf(game), next = nextMove(game), taken = round.begun ? round.chosen : round.owned;
    status.textContent = instruction(game);
    numbers.forEach((one, number) => {
      one.setAttribute("aria-pressed", String(taken.includes(number)));
      one.disabled = isEnded(game) || (round.begun && !round.owned.includes(number));
    });
    chosen.textContent = round.begun ? `Your sum: ${asSum(taken)}` : `Yours: ${listed(taken) || "none yet"}`;
    keys.hidden = chosen.hidden = next.name === "" || next.name === "Next round";
    go.textContent = next.name;
    [go.disabled, go.hidden, again.hidden] = [!next.possible, next.name === "", next.name !== ""];
    if (!again.hidden && document.activeElement === document.body) again.focus();
    played.replaceChildren(...told(round).map((line) => element("li", {}, line)));
    const said = isEnded(game) ? [...game.rounds.map(comparison), LESSON] : [];
    ending.replaceChildren(...said.map((line) => element("p", {}, line)));
  }

  show();
}

const LESSON =
  "Nobody adds up more than three. Owning more means choosing after seeing the goal: a basis that is chosen for its " +
  "target beats one that was fixed before.";
