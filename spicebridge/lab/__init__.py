"""From a case to a kit for the bench, and from measurements back to a verdict.

`make_plan` chooses chord sources, scale factors and versions of active edges within the limits of an `Equipment`;
`write_kit` writes everything a bench needs; `compare_measured` judges what an oscilloscope saw.
"""
