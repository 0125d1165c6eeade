"""Text that programs print to be taken for something else, wherever results are written."""

from typing import Final

NASTY: Final = {
    "control characters": "".join(map(chr, range(32))) + "\x7f\x80\x9b31m\x9f",
    "escape sequences": "\x1b[31mred\x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\link",
    "NUL": "a\x00b",
    "lone surrogates": "\ud800 \udcff \udfff",
    "no characters": "\ufffe\uffff\U0001ffff",
    "command of GitHub": "::error file=x.py,line=1,title=forged::forged\n::add-mask::passed",
    "command after blanks": "\n \u00a0\u3000::error::forged\r::error::forged\r\n\t::notice::forged",
    "old command": "ok ##[error]forged ###[add-mask]x ##vso[task.complete]x ##teamcity[x]",
    "escapes of commands": "%0A::error::forged%25%0D,title=x:",
    "end of CDATA": "<![CDATA[ ]]> ]]>",
    "XML": "</failure></testcase><testcase name='forged'/><!-- &lt; &#0; -->",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)></code></details>",
    "Markdown": "# forged\n\n- [link](http://evil.example) ![image](http://evil.example/i) **b**",
    "autolinks": "<http://evil.example> https://evil.example www.evil.example a@evil.example",
    "mentions": "@someone @org/team #1 GH-1",
    "backticks": "` `` ``` ````\n```\n~~~\n`````text",
    "pipes": "| a | b |\n|---|---|\n\\| \\\\| forged",
    "bidi": "\u202epassed\u2066\u2069\u200e\u200b\ufeff",
    "separators": "a\u2028b\u2029c\x85d",
    "formulas": '=HYPERLINK("http://evil.example","x");=1+1,@SUM(1)|+1\n-1',
    "formula after a tab": "\t=1",
    "formula after a carriage return": "\r=1",
    "JSON": '"}],"outcome":"passed",\\"x\\":["',
    "quotes": '"\'""\\\'\\',
    "a long line": "x" * 1_000_000,
    "many lines": "::error::\n" * 1_000_000,
    "nothing": "",
    "blanks": "   ",
}
