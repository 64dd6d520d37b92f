"""A client certificate: what this side shows in a TLS handshake."""

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.models import StrictModel


class ClientCertificate(StrictModel):
    """A PEM file with the certificate and those between it and its CA, and one with the key.

    Their paths are relative to the environment file. `password` decrypts the key, if it is
    encrypted.
    """

    file: str
    key: str
    password: Annotated[str | None, Field(repr=False)] = None

    def load_into(self, context: ssl.SSLContext) -> None:
        """Have a context show this certificate. Raises OSError, also for what is not PEM."""
        # a callback, since OpenSSL would ask for a missing password on the terminal
        context.load_cert_chain(self.file, self.key, lambda: self.password or "")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for path in (self.file, self.key):
            if not Path(path).is_file():
                raise ValueError(f"there is no file {path}")
        try:
            self.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        except ssl.SSLError as error:
            raise ValueError(self._reason(error)) from error
        except OSError as error:
            message = f"{self.file} or {self.key} cannot be read: {error.strerror}"
            raise ValueError(message) from error
        return self

    def _reason(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{self.key} is not the key of the certificate in {self.file}"
        if "ENCRYPTED" in Path(self.key).read_text(errors="replace"):
            return f"{self.key} is encrypted, and password does not decrypt it"
        return f"{self.file} holds no certificate in PEM form, or {self.key} no key"
