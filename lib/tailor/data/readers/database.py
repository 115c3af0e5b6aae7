"""A table or a query of a database, through SQLAlchemy: read only, and no password ever written down.

An address is a URL with `?table=name` or with `#select ...`: `sqlite:///tickets.db?table=tickets`,
`postgresql://reader:${DB_PASSWORD}@host/shop#select text, label from tickets`. `${NAME}` is filled in from the
environment at the moment of reading, and nowhere else.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from tailor.data.readers.found import ColumnNames, Gathering, Limits, Piece, Stream
from tailor.data.readers.tabular import text_cell
from tailor.errors import WorkbenchError, did_you_mean

_REFERENCE = re.compile(r"\$\{(\w+)\}")
_SECRET = re.compile(r"(?<=[?&])(password|passwd|pwd|token|secret|api_?key)=(?!\$\{)[^&#]+", re.IGNORECASE)
_BATCH = 5_000


@dataclass(frozen=True)
class Address:
    """What to read. `url` still holds its `${NAME}` references; exactly one of `table` and `query` is filled."""

    url: str
    table: str
    query: str

    @property
    def name(self) -> str:
        """A plain name for the source."""
        database = Path(unquote(self.url.partition("?")[0].rpartition("/")[2])).stem or "database"
        return f"{database}_{self.table or 'query'}"

    @property
    def file(self) -> str:
        """The SQLite file that the URL names, as given; "" for other databases."""
        if not re.match(r"sqlite(\+pysqlite)?:///", self.url):
            return ""
        return unquote(self.url.partition(":///")[2].partition("?")[0])


def is_database(source: str) -> bool:
    """Whether a source is named by a database URL."""
    return bool(re.match(r"[a-z][a-z0-9+]*://", source))


def parse_address(source: str) -> Address:
    """Take a database URL apart.

    Raises:
        WorkbenchError: a password in clear, neither table nor query, or a query that does more than read.
    """
    if problem := password_in_clear(source):
        raise problem
    url, _, query = source.partition("#")
    base, _, options = url.partition("?")
    pairs = [pair for pair in options.split("&") if pair]
    table = next((unquote(pair[6:]) for pair in pairs if pair.startswith("table=")), "")
    others = "&".join(pair for pair in pairs if not pair.startswith("table="))
    shown = base + (f"?{others}" if others else "")
    if bool(table) == bool(query.strip()):
        raise WorkbenchError(
            f"{shown} says {'both a table and a query' if table else 'neither which table nor which query'}",
            "one of the two",
            "write ?table=name behind the address, or #select ... for a query",
        )
    if query and not re.match(r"\s*(select|with|values|table)\b", query, re.IGNORECASE):
        raise WorkbenchError(
            f"the query on {shown} begins with {query.split()[0]!r}",
            "a query that reads: select ...",
            "mend it",
        )
    return Address(shown, table, query.strip())


def password_in_clear(source: str) -> WorkbenchError | None:
    """An error, which does not repeat it, for a URL that holds a password and does not merely refer to it."""
    found = re.match(r"([a-z][a-z0-9+]*)://(?:[^:/@#?]*:([^/#?]*)@)?", source)
    password = found[2] if found else None
    plain = bool(password) and not _REFERENCE.fullmatch(password)
    if not plain and not _SECRET.search(source.partition("#")[0]):
        return None
    return WorkbenchError(
        f"a source of 02_gather_data ({found[1]}://...) has a password in it, which would be written into records",
        "a reference to an environment variable: postgresql://reader:${DB_PASSWORD}@host/shop?table=tickets",
        "set DB_PASSWORD before JupyterLab starts, and write ${DB_PASSWORD} in its place",
    )


def missing_variables(source: str) -> list[str]:
    """The environment variables that an address refers to and that are not set."""
    return [name for name in _REFERENCE.findall(source) if name not in os.environ]


def stream_database(address: Address, file: Path | None, limits: Limits) -> Stream:
    """Read a table or query, a few thousand rows at a time.

    Args:
        file: where an SQLite file stands.

    Raises:
        WorkbenchError: no connection, no driver, no such table, too many columns, or a query that fails.
    """
    stream = Stream("sqlite" if file else address.url.partition(":")[0])
    stream.pieces = _pieces(address, file, limits, stream)
    return stream


def stream_sqlite(path: Path, limits: Limits) -> Stream:
    """Read an SQLite file that holds one table.

    Raises:
        WorkbenchError: no SQLite file, or it holds no table or several.
    """
    address = Address(f"sqlite:///{path.name}", "-", "")
    with _told(address), _engine(address, path).connect() as connection:
        import sqlalchemy as sa

        tables = sa.inspect(connection).get_table_names()
    if len(tables) != 1:
        raise WorkbenchError(
            f"{path.name} has {len(tables)} tables" + (f": {', '.join(tables[:20])}" if tables else ""),
            "one table",
            f"name the source sqlite:///{path.name}?table=..." if tables else "name another file",
        )
    return stream_database(Address(address.url, tables[0], ""), path, limits)


def _pieces(address: Address, file: Path | None, limits: Limits, stream: Stream) -> Iterator[Piece]:
    from tailor.data.readers.delimited import too_many_columns

    found, number, other = Gathering(), 0, [0]
    with _told(address), _engine(address, file, other).connect() as connection:
        result = connection.execution_options(stream_results=True).execute(_statement(address, connection))
        names = ColumnNames(result.keys())
        if len(names.names) > limits.columns:
            raise too_many_columns(address.name, len(names.names), limits.columns)
        stream.columns = names.names
        stream.notes += names.notes
        for batch in result.partitions(_BATCH):
            for row in batch:
                number += 1
                found.add(number, [text_cell(value) for value in row])
            if found.full:
                yield found.take(stream.columns)
        connection.rollback()
    if other[0]:
        stream.notes.append(f"{other[0]:,} cells are not UTF-8 and were read as cp1252")
    yield found.take(stream.columns)


def _statement(address: Address, connection: Any) -> Any:
    import sqlalchemy as sa

    if address.query:
        return sa.text(address.query.replace(":", r"\:"))  # a colon in a query is no parameter of ours
    schema, _, name = address.table.rpartition(".")
    inspector = sa.inspect(connection)
    names = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    if name not in names:
        raise WorkbenchError(
            f"{address.url} has no table '{address.table}'",
            f"one of: {', '.join(sorted(names)[:40]) or 'none, it is empty'}",
            f"correct ?table=.{did_you_mean(name, names)}",
        )
    table = sa.Table(name, sa.MetaData(), autoload_with=connection, schema=schema or None)
    return sa.select(table).order_by(*table.primary_key.columns)


def _engine(address: Address, file: Path | None, other: list[int] | None = None) -> Any:
    """The engine that reads it.

    Args:
        file: where an SQLite file stands.
        other: its first number counts the texts of that file which are not UTF-8.
    """
    import sqlalchemy as sa

    if file is not None:
        counted = [0] if other is None else other

        def text(data: bytes) -> str:
            try:
                return data.decode("utf-8")
            except UnicodeDecodeError:
                counted[0] += 1
                return data.decode("cp1252", "replace")

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)
            connection.text_factory = text
            return connection

        return sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
    if missing := missing_variables(address.url):
        raise WorkbenchError(
            f"{address.url} refers to {missing[0]}, and there is no such environment variable",
            "the variable, set before JupyterLab or tailor run starts",
            f"set {missing[0]}",
        )
    url = _REFERENCE.sub(lambda name: quote(os.environ[name[1]], safe=""), address.url)
    options = {"postgresql_readonly": True} if url.startswith("postgresql") else {}
    return sa.create_engine(url, poolclass=sa.pool.NullPool, execution_options=options)


@contextmanager
def _told(address: Address) -> Iterator[None]:
    """Turns a database's errors into one that names the address and never a password."""
    import sqlalchemy as sa

    try:
        yield
    except ModuleNotFoundError as error:
        raise WorkbenchError(
            f"{address.url} needs the package {error.name}, and it is not installed",
            "the database's driver for Python",
            f"install it: pip install {error.name}",
        ) from None
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        said = (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]
        for name in _REFERENCE.findall(address.url):
            for secret in (os.environ.get(name), quote(os.environ.get(name, ""), safe="")):
                said = said.replace(secret, "***") if secret else said
        raise WorkbenchError(
            f"{address.url} cannot be read ({said})",
            "a database that answers, and a table or query that it knows",
            "check the address, and that the database can be reached from here",
        ) from None
