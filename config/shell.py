"""Write words of a command as a shell reads them, with secrets as `${VARIABLE}`."""

import re
import shlex
from collections.abc import Iterable, Mapping

from config.secrets import SECRET_NAME

_SHORTEST_SECRET = 6
_FOLDERS = ("PWD", "OLDPWD")  # in a shell, no passwords


def quote(word: str) -> str:
    """Quote a word; `${VARIABLE}` in it is expanded, and nothing else.

    >>> print(quote("X-Token: ${SHOP_TOKEN}"), quote("a $b"))
    "X-Token: ${SHOP_TOKEN}" 'a $b'
    """
    if "${" not in word:
        return shlex.quote(word)
    return '"' + re.sub(r'(["`\\]|\$(?!\{))', r"\\\1", word) + '"'


def command_line(words: Iterable[str], variables: Mapping[str, str]) -> str:
    """Return a command; a value of a variable that is named as secrets are is its `${NAME}`.

    >>> command_line(["notify", "key=s3cr3t-word"], {"HOOK_TOKEN": "s3cr3t-word"})
    'notify "key=${HOOK_TOKEN}"'
    """
    secrets = {
        value: f"${{{name}}}"
        for name, value in variables.items()
        if len(value) >= _SHORTEST_SECRET and SECRET_NAME.search(name) and name not in _FOLDERS
    }
    pattern = re.compile("|".join(re.escape(each) for each in sorted(secrets, key=len)[::-1]))
    quoted = []
    for word in words:
        hidden = pattern.sub(lambda found: secrets[found[0]], word) if secrets else word
        quoted.append(shlex.quote(word) if hidden == word else quote(hidden))
    return " ".join(quoted)
