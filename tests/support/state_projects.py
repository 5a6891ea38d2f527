"""Small projects that keep data in one table: as released, changed well, and changed so that data is lost."""

from __future__ import annotations

__all__ = [
    "ALEMBIC",
    "ALEMBIC_FROM_NOTHING",
    "ALEMBIC_NEXT",
    "ALEMBIC_RENAMED",
    "DJANGO",
    "DJANGO_NEXT",
    "DJANGO_RENAMED",
    "DJANGO_TWO_LEAVES",
    "SQLITE",
    "SQLITE_IN_CENTS",
    "SQLITE_NEXT",
    "SQLITE_RENAMED",
]

_STORE = """\
import os
import sqlite3
import sys
from pathlib import Path

db = sqlite3.connect(os.environ["SHOP_DB"], isolation_level=None)
done = db.execute("PRAGMA user_version").fetchone()[0]
for number, file in enumerate(sorted(Path("migrations").glob("*.sql")), 1):
    if number > done:
        db.executescript(f"BEGIN; {file.read_text()} PRAGMA user_version = {number}; COMMIT")

if sys.argv[1] == "add":
    db.execute("INSERT INTO item (name, price) VALUES (?, ?)", sys.argv[2:])
for name, price in db.execute("SELECT name, price FROM item"):
    print(f"{name} {price:.2f}")
"""

SQLITE = {
    "shop/__init__.py": "",
    "shop/__main__.py": _STORE,
    "migrations/001_item.sql": "CREATE TABLE item (name TEXT, price REAL);\n",
}

SQLITE_NEXT = {
    "shop/__main__.py": _STORE.replace("FROM item", "FROM item WHERE gone = 0"),
    "migrations/002_gone.sql": "ALTER TABLE item ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;\n",
}

SQLITE_RENAMED = {"shop/__main__.py": _STORE.replace("name, price FROM", "name, cost FROM")}

SQLITE_IN_CENTS = {
    "shop/__main__.py": _STORE.replace("sys.argv[2:]", "(sys.argv[2], float(sys.argv[3]) * 100)").replace(
        "{price:.2f}", "{price / 100:.2f}"
    )
}

_MODELS = """\
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[int]


def session() -> Session:
    return Session(create_engine(os.environ["DATABASE_URL"]))
"""

_REVISION = '''\
"""{about}"""

import sqlalchemy as sa
from alembic import op

revision: str = "{name}"
down_revision: str | None = {start}


def upgrade() -> None:
    {what}
'''

_ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine

from shop.models import Base

with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

_TABLE = """op.create_table(
        "item",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("price", sa.Integer(), nullable=False),
    )"""

ALEMBIC = {
    "shop/__init__.py": "",
    "shop/models.py": _MODELS,
    "alembic.ini": "[alembic]\nscript_location = migrations\nprepend_sys_path = .\npath_separator = os\n",
    "migrations/env.py": _ENV,
    "migrations/versions/5a1e_item.py": _REVISION.format(about="item", name="5a1e", start=None, what=_TABLE),
}

_NOTE = 'op.add_column("item", sa.Column("note", sa.String(), nullable=True))'
_WITH_NOTE = _MODELS.replace("price: Mapped[int]", "price: Mapped[int]\n    note: Mapped[str | None]")

ALEMBIC_NEXT = {
    "shop/models.py": _WITH_NOTE,
    "migrations/versions/0c7b_note.py": _REVISION.format(
        about="note", name="0c7b", start='"5a1e"', what=_NOTE
    ),
}

ALEMBIC_RENAMED = {
    "shop/models.py": _MODELS.replace("price: Mapped[int]", 'price: Mapped[int] = mapped_column("cost")')
}

ALEMBIC_FROM_NOTHING = {
    "shop/models.py": _WITH_NOTE,
    "migrations/versions/0c7b_note.py": _REVISION.format(about="note", name="0c7b", start=None, what=_NOTE),
}

_SETTINGS = """\
import os

SECRET_KEY = "only here"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE_FILE", "db.sqlite3")}
}
"""

_MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
execute_from_command_line(sys.argv)
"""

_ITEM = """\
from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=100)
    price = models.IntegerField()
"""

_DJANGO_MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [{start}]
    operations = [
        {what},
    ]
"""

_CREATE = """migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                )),
                ("name", models.CharField(max_length=100)),
                ("price", models.IntegerField()),
            ],
        )"""

_FIRST = '("shop", "0001_initial")'
_ADD = 'migrations.AddField("Item", "{0}", models.CharField(max_length=100, default=""))'

DJANGO = {
    "manage.py": _MANAGE,
    "config/__init__.py": "",
    "config/settings.py": _SETTINGS,
    "shop/__init__.py": "",
    "shop/models.py": _ITEM,
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": _DJANGO_MIGRATION.format(start="", what=_CREATE),
}

_WITH = '    {0} = models.CharField(max_length=100, default="")\n'

DJANGO_NEXT = {
    "shop/models.py": _ITEM + _WITH.format("note"),
    "shop/migrations/0002_note.py": _DJANGO_MIGRATION.format(start=_FIRST, what=_ADD.format("note")),
}

DJANGO_RENAMED = {"shop/models.py": _ITEM.replace("price =", "cost =")}

DJANGO_TWO_LEAVES = {
    "shop/models.py": _ITEM + _WITH.format("note") + _WITH.format("place"),
    "shop/migrations/0002_note.py": _DJANGO_MIGRATION.format(start=_FIRST, what=_ADD.format("note")),
    "shop/migrations/0003_place.py": _DJANGO_MIGRATION.format(start=_FIRST, what=_ADD.format("place")),
}
