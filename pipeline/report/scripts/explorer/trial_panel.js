// One trial: its curve beside the prediction, its fit over the target with its hidden units, its numbers and verdict.

import { createCurveFigure } from "./curve_figure.js";
import { element } from "./elements.js";
import { createFitFigure } from "./fit_figure.js";
import { createPlayer } from "./player.js";
import { placeOf, stepsOf } from "./step_content.js";
import { numbersOf, titleOf, verdictOf } from "./trial_words.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {import("./choice.js").Choice} Choice */

/**
 * The panel of the chosen trial.
 * @param {Sweep} sweep
 * @param {HTMLElement} choices What a trial is chosen by, beside the map.
 * @param {string} playground File name of the page that plays trials; empty where there is none.
 * @param {(change: Partial<Choice>, isLast: boolean) => void} onChange Of a change that is the last of a movement or not.
 * @returns {{whole: HTMLElement, show: (choice: Choice) => void, toggle: () => void}}
 */
export function createTrialPanel(sweep, choices, playground, onChange) {
  const heading = createHeading(sweep, playground),
    curves = createCurveFigure(sweep);
  const fit = createFitFigure(sweep),
    numbers = element("dl", { class: "numbers" });
  let trial = -1,
    curve = "";
  const player = createPlayer((place, isLast) => {
    const steps = stepsOf(sweep, trial, curve);
    onChange({ step: place >= steps.length - 1 ? null : steps[place] }, isLast);
  });
  const whole = element(
    "section",
    { class: "trial", "aria-labelledby": "chosen-trial" },
    heading.whole,
    choices,
    curves.whole,
    player.whole,
    fit.whole,
    numbers,
  );

  /** @param {Choice} choice */
  function show(choice) {
    if (choice.trial !== trial || choice.curve !== curve) {
      player.stop();
      [trial, curve] = [choice.trial, choice.curve];
      heading.show(trial);
      numbers.replaceChildren(
        ...numbersOf(sweep, trial).map(([name, text]) =>
          element("div", {}, element("dt", {}, name), element("dd", {}, text)),
        ),
      );
    }
    const steps = stepsOf(sweep, trial, curve),
      place = placeOf(steps, choice.step);
    player.show(steps, place);
    curves.show(trial, curve, steps[place] ?? 0);
    fit.show(trial, choice.step);
  }
  return { whole, show, toggle: player.toggle };
}

/** @param {Sweep} sweep @param {string} playground */
function createHeading(sweep, playground) {
  const title = element("h3", { id: "chosen-trial" }),
    verdict = element("p", {}),
    link = element("a", { class: "play-trial" });
  link.textContent = "Play this trial";
  link.hidden = !playground;
  /** @param {number} trial */
  function show(trial) {
    const words = verdictOf(sweep, trial),
      css = /^(agrees|contradicts)/.exec(words.verdict)?.[1] ?? "";
    title.textContent = titleOf(sweep, trial);
    verdict.replaceChildren(
      ...(words.verdict ? ["Theory: ", element("b", { class: css }, words.verdict)] : []),
      words.grounds,
    );
    link.href = `${playground}?trial=${sweep.trials.id[trial]}`;
  }
  return { whole: element("div", { class: "heading" }, title, verdict, link), show };
}
