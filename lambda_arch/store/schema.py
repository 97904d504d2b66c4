"""The store's schema, one migration per version: the number of migrations applied is the file's version.

Every table has a column ``checksum`` (``checksums``).

Migrations are only ever appended. Each is a script, or a function of the connection if it changes rows too.
"""

import sqlite3
from collections.abc import Callable

from lambda_arch.store.old_keys import name_the_fields_of_keys

APPLICATION_ID = 0x4C414D42  # "LAMB", in the header of the file

MIGRATIONS: tuple[str | Callable[[sqlite3.Connection], None], ...] = (
    # 1: measurements of whole networks, their raw samples round by round, and the machines that they were made on
    """
    CREATE TABLE machine (
        fingerprint TEXT PRIMARY KEY,
        device_name TEXT NOT NULL,
        description TEXT NOT NULL
    );
    CREATE TABLE measurement (
        uid TEXT PRIMARY KEY,
        cell TEXT NOT NULL,
        turns TEXT NOT NULL,
        architecture TEXT NOT NULL,
        image_size INTEGER NOT NULL,
        device TEXT NOT NULL,
        batch INTEGER NOT NULL,
        dtype TEXT NOT NULL,
        "cast" TEXT NOT NULL,
        memory_format TEXT NOT NULL,
        mode TEXT NOT NULL,
        compile INTEGER NOT NULL,
        graph INTEGER NOT NULL,
        threads INTEGER NOT NULL,
        clock TEXT NOT NULL,
        auto INTEGER NOT NULL,
        fingerprint TEXT NOT NULL REFERENCES machine,
        started TEXT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        limits TEXT NOT NULL,
        loaded TEXT NOT NULL DEFAULT '{}',
        peak_memory INTEGER,
        median REAL,
        q1 REAL,
        q3 REAL,
        samples INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX measurement_cell ON measurement (cell);
    CREATE TABLE round (
        measurement TEXT NOT NULL REFERENCES measurement,
        number INTEGER NOT NULL,
        seconds TEXT NOT NULL,
        readings TEXT NOT NULL,
        PRIMARY KEY (measurement, number)
    );
    """,
    # 2: what a device can do at most
    """
    CREATE TABLE ceiling (
        uid TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL REFERENCES machine,
        kind TEXT NOT NULL,
        threads INTEGER NOT NULL,
        rate REAL NOT NULL,
        detail TEXT NOT NULL,
        started TEXT NOT NULL
    );
    CREATE INDEX ceiling_of ON ceiling (fingerprint, kind, threads);
    """,
    # 3: latencies of single blocks inside networks
    """
    CREATE TABLE part (
        uid TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL REFERENCES machine,
        setup TEXT NOT NULL,
        part TEXT NOT NULL,
        seconds REAL NOT NULL,
        q1 REAL NOT NULL,
        q3 REAL NOT NULL,
        samples TEXT NOT NULL,
        host TEXT NOT NULL,
        started TEXT NOT NULL
    );
    CREATE INDEX part_of ON part (fingerprint, setup, part);
    """,
    # 4: how lambda layers are evaluated
    """
    ALTER TABLE measurement ADD COLUMN evaluation TEXT NOT NULL DEFAULT 'canonical';
    """,
    # 5: evaluations of lambda layers, measured, and the fastest
    """
    CREATE TABLE choice (
        uid TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL REFERENCES machine,
        layer TEXT NOT NULL,
        evaluation TEXT NOT NULL,
        seconds TEXT NOT NULL,
        started TEXT NOT NULL
    );
    """,
    # 6: keys of named fields; names of tables and columns
    name_the_fields_of_keys,
    # 7: architectures trained here
    """
    CREATE TABLE run (
        uid TEXT PRIMARY KEY,
        architecture TEXT NOT NULL,
        recipe TEXT NOT NULL,
        settings TEXT NOT NULL,
        data TEXT NOT NULL,
        digest TEXT NOT NULL,
        seed INTEGER NOT NULL,
        session TEXT NOT NULL,
        fingerprint TEXT NOT NULL REFERENCES machine,
        started TEXT NOT NULL,
        status TEXT NOT NULL,
        epochs TEXT NOT NULL,
        folder TEXT NOT NULL
    );
    """,
    # 8: a checksum per row; rows that there were get theirs
    """
    ALTER TABLE machine ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    ALTER TABLE measurement ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    ALTER TABLE round ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    ALTER TABLE peak ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    ALTER TABLE part ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    ALTER TABLE run ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    ALTER TABLE choice ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
    """,
    # 9: under which conditions parts were measured
    """
    ALTER TABLE part ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE part ADD COLUMN loaded TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE part ADD COLUMN readings TEXT NOT NULL DEFAULT '[]';
    """,
    # 10: values of whole networks in a search
    """
    CREATE TABLE evaluation (
        uid TEXT PRIMARY KEY,
        search TEXT NOT NULL,
        about TEXT NOT NULL,
        architecture TEXT NOT NULL,
        figures TEXT NOT NULL,
        started TEXT NOT NULL,
        checksum TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX evaluation_of ON evaluation (search);
    """,
    # 11: the runtime that ran the network
    """
    ALTER TABLE measurement ADD COLUMN runtime TEXT NOT NULL DEFAULT 'torch';
    ALTER TABLE measurement ADD COLUMN runtime_version TEXT NOT NULL DEFAULT '';
    """,
    # 12: modules that are not ours: a digest of their source
    """
    ALTER TABLE measurement ADD COLUMN source TEXT NOT NULL DEFAULT '';
    """,
    # 13: the node of a cluster that measured or trained
    """
    ALTER TABLE measurement ADD COLUMN node TEXT NOT NULL DEFAULT '';
    ALTER TABLE part ADD COLUMN node TEXT NOT NULL DEFAULT '';
    ALTER TABLE run ADD COLUMN node TEXT NOT NULL DEFAULT '';
    """,
)
