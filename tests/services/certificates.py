"""Certificates: the lab's own, and others that a test makes."""

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.services.running import ROOT


class Certificate(NamedTuple):
    """Two files: what everybody may see, and the key to it."""

    shown: Path
    key: Path

    @property
    def of_server(self) -> tuple[str, ...]:
        """What makes a server show this."""
        return "--tls-cert", str(self.shown), "--tls-key", str(self.key)

    @property
    def of_client(self) -> tuple[str, ...]:
        """What makes a client trust in this."""
        return "--tls-ca", str(self.shown)


LAB = Certificate(
    ROOT / "services" / "certificates" / "lab-certificate.pem",
    ROOT / "services" / "certificates" / "lab-key.pem",
)


def make(
    directory: Path, *names: str, days: int = 4, passphrase: bytes | None = None
) -> Certificate:
    """Make a certificate that vouches for itself, for these names from yesterday on."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_name(each) for each in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(directory / f"{names[0]}.pem", directory / f"{names[0]}-key.pem")
    made.shown.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase)
            if passphrase
            else serialization.NoEncryption(),
        )
    )
    return made


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
