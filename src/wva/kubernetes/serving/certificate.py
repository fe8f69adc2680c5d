"""The certificate of a TLS server: from files that may rotate, or one that it makes for itself."""

import ssl
import subprocess
import tempfile
from pathlib import Path

from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.record.problems import Problems

LOOK_EVERY_S = 10.0
"""Seconds between looks at the files. cert-manager rotates them weeks before the old ones end."""
PART = "metrics certificate"
_DAYS = "3650"
_LIMIT_S = 30.0

Stamp = tuple[tuple[int, int, int], ...]
"""What differs between two versions of files."""


class CertificateFiles:
    """A certificate and its key in PEM, taken in again when they change."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises ``UserError`` where they cannot be used."""
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        """What a server listens with; new connections get what was taken in last."""
        try:
            self._taken: Stamp = self._take()
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"cannot serve TLS with {certificate} and {key}: {error}; correct METRICS_CERT_PATH, METRICS_CERT_NAME "
                "and METRICS_CERT_KEY, or leave METRICS_CERT_PATH out"
            ) from None

    def renew(self) -> str | None:
        """Take the files in where they have changed; says why they cannot be, and the old ones stay."""
        try:
            if self._stamp() != self._taken:
                self._taken = self._take()
        except (OSError, ssl.SSLError) as error:
            return f"{', '.join(map(str, self._files))}: {error}; the ones read before are used on"
        return None

    def _take(self) -> Stamp:
        stamp = self._stamp()
        # A key that is not the certificate's leaves a context without any: try them on another first.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
        self.context.load_cert_chain(*self._files)
        return stamp

    def _stamp(self) -> Stamp:
        stats = [file.stat() for file in self._files]
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)


async def keep_renewed(files: CertificateFiles, clock: Clock, problems: Problems) -> None:
    """Look at the files again and again, until cancelled."""
    while True:
        await clock.sleep(LOOK_EVERY_S)
        problems.settle(PART, files.renew())


def self_signed(name: str) -> ssl.SSLContext:
    """A TLS server with a new certificate that nobody has signed, for a host name. The ``openssl`` program makes it.

    Raises ``UserError`` where that is not there or fails.
    """
    with tempfile.TemporaryDirectory(prefix="wva-tls-") as folder:
        certificate, key = Path(folder) / "tls.crt", Path(folder) / "tls.key"
        command = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", _DAYS, "-subj", "/CN=wva-metrics", "-addext", f"subjectAltName=DNS:{name}",
            "-keyout", str(key), "-out", str(certificate),
        ]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_LIMIT_S)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            raise UserError(
                f"cannot make a certificate for the metrics ({said[-1] if said else error}); give one with "
                "METRICS_CERT_PATH, or serve them open with METRICS_SECURE=false"
            ) from None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
