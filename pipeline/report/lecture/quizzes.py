"""What a reader of the lecture is asked at each station, before the figure shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quiz:
    """A question with a few answers, one of which is right.

    Args:
        question: In a sentence or three; ``$...$`` is a formula.
        choices: What may be answered.
        right: Place of the right answer, from 0.
        because: Why it is right.
    """

    question: str
    choices: tuple[str, ...]
    right: int
    because: str

    @property
    def answer(self) -> str:
        """The right answer."""
        return self.choices[self.right]


QUIZZES = {
    "number_game": Quiz(
        "Nobody adds up more than three numbers. What is it worth to own six instead of three?",
        (
            "Nothing: three are added up either way.",
            "The best six miss a goal by about half as much as the best three.",
            "The best six miss a goal by less than a quarter as much.",
        ),
        2,
        "Of goals up to 27 the best three numbers, 5, 8 and 9, miss one by 5/4 on average, and the best six by 2/7: "
        "which three of them are added up is chosen after seeing the goal. No three numbers reach the last goals, for "
        "$7 + 8 + 9 = 24$. Of goals up to 24 the best six miss one by 2/25.",
    ),
    "fixed_bases": Quiz(
        "Sixteen functions each: which basis comes closest to a target?",
        (
            "Legendre polynomials: they are smooth.",
            "Fourier's sines and cosines: anything can be made of them.",
            "Haar wavelets: they are local.",
            "It depends on the target.",
        ),
        3,
        "Legendre polynomials are exact on $1 + x^{10}$, sines and cosines on a wave, and Haar wavelets on a jump in "
        "the middle. None of them is exact on the targets of the others.",
    ),
    "more_functions": Quiz(
        "32 points of a wave, with noise. What does the error between the points do as the number of Legendre "
        "polynomials grows from 2 to 24?",
        (
            "It falls all the way: more functions can only help.",
            "It falls, and then stays where it is: noise is a floor.",
            "It falls, and then rises above where it began.",
        ),
        2,
        "It overfits: a polynomial of degree 23 comes so close to all the noisy points that it swings far out between "
        "them.",
    ),
    "adapting": Quiz(
        r"The target is $1 + x^{10}$, the dictionary $1, x, x^2, x^3, \ldots$ How many functions does it take to leave "
        "no error: if the first ones have to be taken, and if any may be chosen?",
        ("11 and 11", "11 and 2", "2 and 2"),
        1,
        "$x^{10}$ is the eleventh of them. Chosen after seeing the target, $1$ and $x^{10}$ are enough.",
    ),
    "xor": Quiz(
        "Fit a linear model of both inputs to XOR by least squares. What does it answer?",
        ("It has three of the four right.", "It has all four right.", "It says 1/2 to everything."),
        2,
        "Both weights are 0 and the bias is 1/2. The mean square error is 1/4, and cannot be less.",
    ),
    "hidden_units": Quiz(
        "How many straight pieces can a ReLU network with one input and 8 hidden units draw at most?",
        ("2", "8", "9", "256"),
        2,
        "Each unit bends once, and 8 kinks divide a line into 9 pieces.",
    ),
    "activations": Quiz(
        "Leave the activation out, $g(z) = z$, and keep 32 hidden units. What can the network draw of one input?",
        ("Straight lines only.", "Lines with up to 32 kinks.", "Any smooth curve."),
        0,
        "Two linear layers in a row are one linear layer.",
    ),
    "universality": Quiz(
        "Take the best piecewise linear function for $x^2$, and then the best one with twice as many pieces. What "
        "happens to its root mean square error?",
        ("It is halved.", "It is divided by 4.", "It is divided by 16."),
        1,
        r"It is $2 / (\sqrt{45} \, n^2)$ with $n$ pieces.",
    ),
    "dimension": Quiz(
        "Ten cosines along each axis. How many products of them are there for six inputs?",
        ("60", "1,000", "1,000,000", "60,466,176"),
        2,
        "Every input has ten to choose from: $10^6$.",
    ),
    "classification": Quiz(
        "Add 100 to every logit. What happens to the probabilities?",
        ("All of them come near 1.", "The largest one comes near 1, the others near 0.", "Nothing."),
        2,
        "$e^{z + 100} = e^{100} e^z$: the factor is in the numerator and the denominator, and cancels. Only "
        "differences of logits count.",
    ),
    "losses": Quiz(
        "The right answer is yes, but the model is sure of no: its logit is $-10$. Which loss pulls it up harder?",
        (
            "The squared error of the probability: the mistake is large.",
            "Cross-entropy, more than 10,000 times as hard.",
            "Neither: both alike.",
        ),
        1,
        r"With $s = 1 / (1 + e^{10})$, about $0.000045$, the slope of cross-entropy is almost $-1$, and that of the "
        r"squared error is $-2 \, s \, (1 - s)^2$, about $-0.00009$.",
    ),
    "descent": Quiz(
        r"A mode has $\eta \lambda = 1.5$. What happens to its error in each step?",
        ("It grows by half.", "It is halved and changes sign.", "It is halved and keeps its sign."),
        1,
        "It is multiplied by $1 - 1.5 = -0.5$.",
    ),
    "condition_number": Quiz(
        r"Eight monomials and eight Legendre polynomials span the same space. Both start at 0, with $\eta = 1 / "
        r"\lambda_{max}$. Which are nearer to the best fit of $|x|$ after 100 steps?",
        ("Neither: the best fit is the same.", "The Legendre polynomials.", "The monomials: they are simpler."),
        1,
        "On 512 evenly spaced points the condition number of the Hessian is above 50,000 for the monomials, and 1.001 "
        "for the Legendre polynomials.",
    ),
    "large_rates": Quiz(
        r"What does descent on a quadratic do at $\eta = 1.9 / \lambda_{max}$?",
        (r"It diverges: $1 / \lambda_{max}$ is the limit.", "It converges.", "It goes round the minimum for ever."),
        1,
        "The steepest mode is multiplied by $1 - 1.9 = -0.9$ in each step. It changes sign, and shrinks.",
    ),
    "networks": Quiz(
        r"A wide network is trained at 1.5 times $2 / \lambda_{max}$ of its initial weights. What does its loss do?",
        ("It diverges.", "It rises, and then comes back down.", "It falls from the first step on."),
        1,
        r"$\eta \lambda_0 = 3$ lies between 2 and 4: the output grows until it lowers the curvature.",
    ),
}
"""By the name of the station."""
