"""Tells, after the tests, which recorded networks no importer reads."""

from records import COVERED, FOLDER, RECORDS, STEPS


def pytest_terminal_summary(terminalreporter):
    if not RECORDS:
        terminalreporter.write_line(f"parity: no records in {FOLDER}; GANARIUM_PARITY names another folder")
        return
    without = [record.name for record in RECORDS if record.official not in COVERED | STEPS]
    terminalreporter.write_sep(
        "-", f"recorded networks without an importer: {len(without)} of {len(RECORDS)}"
    )
    for name in without:
        terminalreporter.write_line(name)
