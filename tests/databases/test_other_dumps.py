"""Dumps as other programs and other options write them tell what the plain one tells."""

import csv
import io

import pytest

import daganalysis as da
from daganalysis.reading.databases.database_rows import read_rows
from daganalysis.redaction import redact
from enginemodel import as_sql, as_tsv, cluster_tables
from tests.databases.saved_copies import AGENTS, NEWCOMER, family

TABLES = cluster_tables(*family(), agents=[*AGENTS, NEWCOMER])
ROWS = {name: table for name, table in TABLES.items() if name != "ocs_config"}
WHOLE = as_sql(TABLES, zone="+00:00")


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else "NULL" if value is None else str(value)


def literal(value, *, hexadecimal=False):
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    if hexadecimal and isinstance(value, bytes) and value:
        return f"0x{value.hex()}"
    return "'" + text(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def created(name, columns):
    kinds = {"id": "bigint NOT NULL AUTO_INCREMENT", "context": "longtext", "name": "varchar(128) COMMENT 'a, b; c'"}
    listed = ",\n".join(f"  `{column}` {kinds.get(column, 'varchar(256) DEFAULT NULL')}" for column in columns)
    return f"CREATE TABLE `{name}` (\n{listed},\n  PRIMARY KEY (`{columns[0]}`)\n) ENGINE=InnoDB;\n"


def inserted(name, rows, *, columns=(), each=False, verb="INSERT INTO", hexadecimal=False):
    head = f"{verb} `{name}` {'(' + ', '.join(f'`{column}`' for column in columns) + ') ' if columns else ''}VALUES "
    tuples = [f"({','.join(literal(value, hexadecimal=hexadecimal) for value in row)})" for row in rows]
    return "".join(f"{head}{one};\n" for one in tuples) if each else f"{head}{','.join(tuples)};\n" if tuples else ""


def dump(**how):
    tables = "".join(created(name, columns) + inserted(name, rows, **how) for name, (columns, rows) in TABLES.items())
    return "-- MySQL dump 10.13  Distrib 8.0.33\n/*!40103 SET TIME_ZONE='+00:00' */;\n" + tables


def as_separated(columns, rows, **how):
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", **how)
    writer.writerows([columns, *([text(value) for value in row] for row in rows)])
    return file.getvalue()


def as_records(columns, rows):
    stars = "*" * 27
    return "".join(
        f"{stars} {n}. row {stars}\n" + "".join(f"{name:>20}: {text(value)}\n" for name, value in zip(columns, row, strict=True))
        for n, row in enumerate(rows, start=1)
    )


def as_box(columns, rows):
    cells = [columns, *([text(value) for value in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(columns))]
    rule = "+" + "".join("-" * (width + 2) + "+" for width in widths) + "\n"
    head, *lines = ("|" + "".join(f" {cell:<{width}} |" for cell, width in zip(row, widths, strict=True)) + "\n" for row in cells)
    return f"mysql> SELECT * FROM x;\n{rule}{head}{rule}{''.join(lines)}{rule}{len(rows)} rows in set (0.00 sec)\n\n"


def each_table(ending, write):
    return {f"{name}.{ending}": write(*table).encode() for name, table in ROWS.items()}


def as_outfile(columns, rows):
    """What ``SELECT … INTO OUTFILE`` writes: no header line, and a backslash before each tab and line break in a value."""
    escapes = str.maketrans({"\\": "\\\\", "\t": "\\\t", "\n": "\\\n"})
    return "".join("\t".join("\\N" if value is None else text(value).translate(escapes) for value in row) + "\n" for row in rows)


def without_header(columns, rows):
    return as_separated(columns, rows, quoting=csv.QUOTE_ALL).partition("\n")[2]


def beside(structure, ending, write):
    """Structure in statements, named by ``structure``, and the rows of each table without a header line."""
    head = "-- MySQL dump 10.13\n/*!40103 SET TIME_ZONE='+00:00' */;\n"
    files = {structure.format(name): (head + created(name, columns)).encode() for name, (columns, _) in ROWS.items()}
    return files | {ending.format(name): write(*table).encode() for name, table in ROWS.items()}


FORMS = {
    "mysqldump": {"x.sql": dump().encode()},
    "skip-extended-insert": {"x.sql": dump(each=True).encode()},
    "replace, hex-blob": {"x.sql": dump(verb="REPLACE INTO", hexadecimal=True).encode()},
    "line breaks of Windows": {"x.sql": dump().replace("\n", "\r\n").encode()},
    "UTF-16, as PowerShell redirects": {"x.sql": dump().encode("utf-16")},
    "a byte order mark": {"x.sql": b"\xef\xbb\xbf" + WHOLE},
    "a warning in the dump": {"x.sql": b"mysqldump: [Warning] Using a password on the command line can be insecure; don't.\n" + WHOLE},
    "a trigger": {
        "x.sql": b"-- MySQL dump\nDELIMITER ;;\nCREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN END ;;\nDELIMITER ;\n" + WHOLE
    },
    "mydumper": {f"ocs.{name}-schema.sql": created(name, columns).encode() for name, (columns, _) in ROWS.items()}
    | {f"ocs.{name}.00000.sql": f"SET TIME_ZONE='+00:00';\n{inserted(name, rows)}".encode() for name, (_, rows) in ROWS.items()},
    "mydumper's LOAD DATA": beside("ocs.{}-schema.sql", "ocs.{}.00000.dat", as_outfile),
    "mysqldump --tab": beside("{}.sql", "{}.txt", as_outfile),
    "obdumper without headers": beside("{}-schema.sql", "{}.1.0.csv", without_header),
    "MySQL Shell": beside("ocs@{}.sql", "ocs@{}@@0.tsv", as_outfile),
    "CSV": each_table("csv", as_separated),
    "CSV with semicolons": each_table("csv", lambda columns, rows: as_separated(columns, rows, delimiter=";")),
    "CSV in single quotes": each_table("csv", lambda columns, rows: as_separated(columns, rows, quotechar="'", quoting=csv.QUOTE_ALL)),
    "all tables in one file": {"ocs.tsv": b"".join(as_tsv(*table) for table in ROWS.values())},
    "a line a column": each_table("txt", as_records),
    "boxes": {"session.txt": "".join(as_box(*table) for table in ROWS.values()).encode()},
}


def save(folder, files):
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return da.load(save(tmp_path_factory.mktemp("plain") / "ocs", {"ocs.sql": WHOLE}))


def told(archive):
    """What each form must tell alike."""
    lines = [line for lines in archive.sub_tasks["task_logs"].dropna() for line in lines]
    times = archive.attempts[["task_gid", "attempt", "kind", "started_at", "ended_at", "outcome"]].astype(str).to_numpy().tolist()
    return lines, times, archive.dags["created_at"].tolist(), archive.dags["outcome"].tolist(), sorted(archive.agents["zone"].dropna())


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_tell_what_the_plain_dump_tells(form, plain, tmp_path):
    archive = da.load(save(tmp_path / "ocs", FORMS[form]))
    assert told(archive) == told(plain)
    assert len(plain.attempts) > 5


@pytest.mark.parametrize("form", ["UTF-16, as PowerShell redirects", "all tables in one file", "boxes", "CSV with semicolons"])
def test_a_redacted_copy_of_another_form_loads_too(form, tmp_path):
    saved = save(tmp_path / "ocs", FORMS[form])
    assert redact(saved, tmp_path / "copy").left_out == ()
    assert told(da.load(tmp_path / "copy"))[1:] == told(da.load(saved))[1:]


def test_rows_without_a_header_line_and_without_their_structure_are_left_out_and_named(tmp_path):
    archive = da.load(save(tmp_path / "ocs", each_table("txt", as_outfile)))
    assert len(archive) == 0
    assert set(archive.issues["code"]) == {"rows-without-columns"}


def test_rows_without_a_header_line_are_not_in_a_redacted_copy(tmp_path):
    redacted = redact(save(tmp_path / "ocs", FORMS["mysqldump --tab"] | {"ocs.tsv": as_tsv(*ROWS["dag_instance"])}), tmp_path / "copy")
    assert {f"{name}.txt" for name, (_, rows) in ROWS.items() if rows} <= {name for name, _ in redacted.left_out}
    assert [path.name for path in (tmp_path / "copy").iterdir() if path.stat().st_size] == ["ocs.tsv"]


def test_rows_of_another_programs_table_of_the_same_name_are_passed_over(tmp_path):
    other = b"CREATE TABLE `dag_instance` (\n  `a` int NOT NULL\n);\nINSERT INTO `dag_instance` VALUES (1);\n"
    assert len(da.load(save(tmp_path / "ocs", {"x.sql": other}))) == 0


def test_a_line_break_in_a_value_does_not_end_its_row():
    rows = b'id,sub_task_id,execute_times,log_content\n1,7,1,"first\nsecond"\n2,7,1,"a "" mark"\n3,7,1,stray " mark\n4,7,1,last\n'
    found = [row.values[3] for row in read_rows(io.BytesIO(rows), 1 << 20, lambda *_: None)]
    assert found == [b"first\nsecond", b'a " mark', b'stray " mark', b"last"]


def test_a_text_in_place_of_a_number_costs_its_row_alone(tmp_path):
    rows = "id\tname\tstage\tmax_stage\tis_finished\tstate\toperator\nx\tA\t1\t1\t1\t5\t1\n2\tB\t1\t1\t1\t5\t1\n"
    archive = da.load(save(tmp_path / "ocs", {"dag_instance.tsv": rows.encode()}), tz="+00:00")
    assert archive.dags["name"].tolist() == ["B"]
    assert "wrong-row" in archive.issues["code"].tolist()
