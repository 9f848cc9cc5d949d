"""What is read from the records: tables, figures, verdicts and one page that shows them."""
