"""What is read from the records: tables, figures, verdicts and one page that shows them."""

from pipeline.home import home_folder, some_home

if home_folder() is None:
    with some_home():  # altair 6.3.0 looks for it when it is imported, and ends with a RuntimeError where there is none
        import altair  # noqa: F401
