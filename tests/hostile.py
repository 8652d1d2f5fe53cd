"""Three hundred strings that have broken a program somewhere, for every place where people write freely."""

from __future__ import annotations

PAYLOADS = (
    "<script>alert(1)</script>",
    "]]>",
    "<![CDATA[x]]>",
    "<!-- -->",
    "<?xml version='1.0'?>",
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "&amp;&lt;&#0;&#x1F;",
    "</ram:Name></cac:PaymentMeans>",
    "\x00",
    "a\x00b",
    "\x01\x02\x08\x0b\x0c\x1f",
    "\x7f\x85\x9f",
    "\ud800",
    "\udfff",
    "ab\ud83dcd",
    "\ufffe\uffff",
    "\ufeffBOM",
    "\u202etfel ot thgir",
    "\u200b\u200d\u2060",
    "\u2028\u2029",
    "a\r\nBcc: victim@example.com",
    "a\rb\nc\td",
    "=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "'; DROP TABLE bills; --",
    '" onmouseover="x',
    "`id`",
    "$(id)",
    "${7*7}",
    "{{7*7}}",
    "%s%n%x",
    "..\\..\\x",
    "../../../etc/passwd",
    "CON",
    '#eval("1+1")',
    '#read("/etc/passwd")',
    "#PMD#",
    "#XYZ#text",
    "$ x^2 $ *bold* _it_ @label <label>",
    "\\u{1F600} \\ \\n",
    "[link](javascript:alert(1))",
    "e\u0301a\u0308 \u1e9e ﬁ",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7",
    "شركة الاتصالات",
    "株式会社テスト",
    "Z\u0351\u036b\u0343\u036aa\u0301lgo\u0349",
)


def hostile_strings() -> list[str]:
    """300 strings: each payload alone, within words, doubled, before and behind text, and very long."""
    made = []
    for payload in PAYLOADS:
        made += [payload, f"A {payload} B", payload * 2, f"{payload}Zürich", f"Zürich{payload}", "x" * 2000 + payload]
    return made
