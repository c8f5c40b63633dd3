"""Certificates as files: written whole or not at all, read without unpickling anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_io.atomic_files import write_atomically
from models.certificate import Certificate, read_arrays


class CertificateError(RuntimeError):
    """A file that cannot be read as a certificate."""


def write_certificate(path: Path, certificate: Certificate) -> None:
    """Replace the file `path` by this certificate."""
    write_atomically(path, lambda temporary: temporary.write_bytes(certificate.to_bytes()))


def read_certificate(path: Path) -> Mapping[str, Any]:
    """Arrays of the file by name, whatever they claim; CertificateError if it is no such file."""
    try:
        return read_arrays(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"certificate: {path} cannot be read ({error}), expected a file that a tick published:"
            " correct the path, or publish again with certificate on in [publish]"
        ) from error
