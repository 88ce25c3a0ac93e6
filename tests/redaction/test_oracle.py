"""What detect-secrets finds in the listed forms, redaction finds too."""

from __future__ import annotations

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

from tests.redaction.forms import forms, redacted
from tests.redaction.test_corpus import SENSITIVE_LINES

NO_SECRETS = {"true}", "ConvertTo-SecureString "}
"""A truth and the name of a command, which detect-secrets takes for secrets."""


def test_all_that_the_oracle_finds_goes(tmp_path):
    texts = [line for form in forms() for line in form.text.splitlines()] + [text for text, _ in SENSITIVE_LINES]
    path = tmp_path / "lines.yaml"
    path.write_text("\n".join(texts), encoding="utf-8")
    found = SecretsCollection()
    with default_settings():
        found.scan_file(str(path))
    told = [(texts[secret.line_number - 1], secret.secret_value or "") for _, secret in found if secret.secret_value not in NO_SECRETS]
    assert len(told) > 50
    assert [(text, secret) for text, secret in told if any(secret in copy for copy in redacted(text))] == []
