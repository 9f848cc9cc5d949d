// A question to answer before the figure shows it: the choices become buttons, and an answer opens what follows.

import { button, element, one } from "../lecture/elements.js";

const LETTERS = "ABCDEFGH";

/**
 * Make the choices of a station's question buttons.
 * @param {HTMLElement} station
 * @param {() => void} opened called once, when there is an answer
 */
export function askQuiz(station, opened) {
  const quiz = one(station, ".quiz"), because = /** @type {HTMLDetailsElement} */ (one(quiz, "details"));
  const right = Number(quiz.dataset.right);
  const said = element("p", { role: "status", class: "said" });
  const choices = [...quiz.querySelectorAll("ol > li")].map((item, place) => {
    const choice = button("", () => answer(place), { "aria-pressed": "false" });
    choice.append(...item.childNodes);
    item.append(choice);
    return choice;
  });
  const skip = button("Skip the question", () => open(), { class: "skip" });
  quiz.insertBefore(said, because);
  because.before(skip);
  because.hidden = true;
  station.classList.add("covered");

  /** @param {number} place */
  function answer(place) {
    choices.forEach((choice, other) => {
      choice.setAttribute("aria-pressed", String(other === place));
      choice.classList.toggle("right", other === right);
      choice.classList.toggle("wrong", other === place && place !== right);
    });
    said.textContent = place === right ? "That is right." : `No: ${LETTERS[right]} is right.`;
    open();
  }

  function open() {
    skip.hidden = true;
    because.hidden = false;
    because.open = true;
    if (!station.classList.contains("covered")) return;
    station.classList.remove("covered");
    opened();
  }
}
