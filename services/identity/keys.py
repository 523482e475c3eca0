"""The key that signs tokens: made once, kept in the data folder for its owner's eyes only, published as a JWKS."""

import base64
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.kit.settings import CannotStart


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The key in the file `path` (mode 0600), made if absent. Raises CannotStart for a file of another kind."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # of two processes that start at once, the first one's key counts
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotStart(
            f"Файл {path} не содержит ключа Ed25519: верните его из резервной копии или удалите.",
            f"The file {path} holds no Ed25519 key: restore it from a backup, or remove it.",
        )
    return key


def jwks(key: Ed25519PublicKey) -> dict[str, Any]:
    """The public key as a JSON Web Key Set (RFC 8037)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": x}]}
