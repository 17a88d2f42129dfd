"""Answers that models may give: a rich one, and forty that try to run something."""

CODE = 'def vitesse(nœuds: float) -> float:\n    return nœuds * 1.852  # en km/h\n\nprint("cap", vitesse(12))\n'
RICH = f"""# Les vitesses

Un **nœud** vaut 1,852 km/h.

## Le tableau

| Allure | Nœuds | km/h |
|:-------|------:|-----:|
| Lente  | 5     | 9,26 |
| Vive   | 12    | 22,2 |

1. Mesurer le vent
2. Choisir la voile
   - le foc
   - la grand-voile

> Une citation.

```python
{CODE}```

Voir [la page](https://exemple.invalid/vitesses) et `cap()`.
"""

RUN = "window.__xss=1"
FOREIGN = "http://ailleurs.invalid"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"<script src={FOREIGN}/a.js></script>",
    f"<img src=x onerror={RUN}>",
    f"<img src={FOREIGN}/a.png>",
    f"<svg onload={RUN}><circle r=9></svg>",
    f"<svg><script>{RUN}</script></svg>",
    f"<math><mtext><script>{RUN}</script></mtext></math>",
    f'<iframe src="javascript:parent.{RUN}"></iframe>',
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f"<iframe src={FOREIGN}></iframe>",
    f"<object data={FOREIGN}/a.swf></object>",
    f"<embed src={FOREIGN}/a.swf>",
    f"<style>@import '{FOREIGN}/a.css'; body {{ display: none }}</style>",
    f"<link rel=stylesheet href={FOREIGN}/a.css>",
    f"<meta http-equiv=refresh content='0;url={FOREIGN}'>",
    f"<base href={FOREIGN}/>",
    f"<form action={FOREIGN}><input name=q autofocus onfocus={RUN}><button>Envoyer</button></form>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<video poster={FOREIGN}/a.png onloadstart={RUN}><source src={FOREIGN}/a.mp4></video>",
    f"<body onload={RUN}>",
    f"<p style=\"background:url('{FOREIGN}/a.png')\">x</p>",
    f"<template><script>{RUN}</script></template>",
    f"<noscript><p title=\"</noscript><img src=x onerror={RUN}>\">",
    f"<a href=\"javascript:{RUN}\">lien</a>",
    f"[lien](javascript:{RUN})",
    f"[lien](JaVaScRiPt:{RUN})",
    f"[lien](&#106;avascript:{RUN})",
    f"[lien](java\tscript:{RUN})",
    f"[lien](<javascript:{RUN}>)",
    f"<javascript:{RUN}>",
    f"[lien](vbscript:{RUN})",
    f"[lien](data:text/html,<script>{RUN}</script>)",
    "[lien](data:text/html;base64,PHNjcmlwdD53aW5kb3cuX194c3M9MTwvc2NyaXB0Pg==)",
    f'[lien]({FOREIGN} "x\\" onmouseover={RUN} x=\\"")',
    f"![image]({FOREIGN}/a.png)",
    f"![image](x\" onerror=\"{RUN})",
    f"![image](data:image/svg+xml,<svg onload={RUN}>)",
    f"[![image]({FOREIGN}/a.png)](javascript:{RUN})",
    f"| <img src=x onerror={RUN}> | b |\n|---|---|\n| <svg onload={RUN}> | [x](javascript:{RUN}) |",
    f"```html\" onmouseover=\"{RUN}\n<script>{RUN}</script>\n</code></pre><img src=x onerror={RUN}>",
)  # fmt: skip
