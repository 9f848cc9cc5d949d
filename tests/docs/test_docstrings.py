"""A docstring of this project comes apart into the parts that a page needs."""

from reference_pages.docstrings import Docstring, attributes, markdown, parsed

from pipeline.models.bases.basis import Basis
from pipeline.problems.targets import Runge


class Written:
    """A thing
    of two lines.

    More of it.

    - one
    - two

    Args:
        first: Said on one line.
        second: Said on two
            lines.

    Raises:
        ValueError: Never.

    After the sections.

    Source: a book,
    page 3.
    """


def test_a_docstring_is_its_sentence_its_paragraphs_its_arguments_and_its_source():
    assert parsed(Written) == Docstring(
        "A thing of two lines.",
        ("More of it.", "- one\n- two", "After the sections."),
        {"first": "Said on one line.", "second": "Said on two lines."},
        "a book, page 3.",
        raises={"ValueError": "Never."},
    )


def test_a_source_of_a_definition_is_found():
    assert parsed(Runge).source.startswith("Trefethen")


def test_what_a_class_says_below_its_attributes_is_found():
    said = attributes(Basis)
    assert said["begins_with_one"] == "Whether function 0 is the constant 1."
    assert "__call__" not in said


def test_letters_of_a_text_mean_nothing_to_markdown_and_code_stays_as_it_is():
    assert markdown("the *stability index* of a * b") == "the *stability index* of a \\* b"
    assert markdown("a_b * ``c_d * e`` on [-1, 1] for $1") == "a\\_b \\* ``c_d * e`` on \\[-1, 1\\] for \\$1"


def test_a_number_of_arxiv_is_a_link():
    assert markdown("Cohen et al., arXiv 2103.00065") == (
        "Cohen et al., [arXiv 2103.00065](https://arxiv.org/abs/2103.00065)"
    )


def test_lines_of_a_python_session_are_an_example() -> None:
    def doubled() -> None:
        """Double a number.

        >>> doubled([1])
        [2]
        """

    assert (parsed(doubled).body, parsed(doubled).example) == ((), ">>> doubled([1])\n[2]")
