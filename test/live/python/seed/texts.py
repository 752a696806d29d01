"""Texts that tend to be damaged on the way."""

MARKDOWN = "# Größe 模型\n\n* **bold** `code` <b>html</b> & \"double\" 'single'\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\U0001f680 https://example.org/?q=1&r=%20#x\n"

# Keys with every character that 3.17.2 allows in the tags of runs: / . - space : and letters of any script.
AWKWARD_TAGS = {
    "empty": "",
    "newlines": "one\ntwo\r\n\n three\t",
    "both quotes": "it's \"quoted\" and `ticked`",
    "percent": "100% of 50%% %s %41 \\n",
    "spaces around": "  padded  ",
    "json": '{"a": [1, 2, {"b": null}], "c": "\\u00e9"}',
    "unicode": "ÄÖÜ ß 模型 \U0001f680 e\u0301 \u202eright-to-left",
    "key.with-every/kind of_char:1": "key",
    "größe": "letters of any script",
    "looks.like.null": "null",
    "looks.like.number": "1e400",
}
