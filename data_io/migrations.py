"""Numbered changes of the database, `sql/migrations/NNNN_name.sql`, applied once, in order."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from data_io.database import Database

MIGRATIONS = Path(__file__).parent / "sql" / "migrations"


class NewerDatabaseError(RuntimeError):
    """The database was written by a newer release."""

    def __init__(self, found: int, known: int) -> None:
        """Say both versions."""
        super().__init__(
            f"store: database has version {found}, expected at most {known}; upgrade this"
            " installation, or open a copy made before the upgrade"
        )


@dataclass(frozen=True)
class Migration:
    """One numbered change."""

    version: int
    name: str
    sql: str


def read_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """Every migration in order; ValueError unless the numbers run 1, 2, 3 ..."""
    found = tuple(
        Migration(int(path.stem[:4]), path.stem[5:], path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.sql"))
    )
    numbers = [migration.version for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise ValueError(
            f"migrations: numbers are {numbers}, expected 1 to {len(found)}; rename the files"
        )
    return found


def migrate(database: Database, migrations: tuple[Migration, ...], now: datetime) -> None:
    """Bring the database to the last version; NewerDatabaseError when it is beyond that."""
    with database.transaction():
        database.run("create_schema_migration")
        applied = database.frame("newest_migration")["version"].item() or 0
    if applied > len(migrations):
        raise NewerDatabaseError(applied, len(migrations))
    for migration in migrations[applied:]:
        with database.transaction():
            database.run_text(migration.sql)
            database.run(
                "record_migration",
                version=migration.version,
                name=migration.name,
                applied_at=now,
            )
