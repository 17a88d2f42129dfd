// Markdown as models write it, for tests of incremental rendering.
export const ANSWER = `# Titre : « essai »

Un paragraphe avec **du gras**, *de l'italique*, \`du code\`, un [lien](https://exemple.fr/a_b) et https://exemple.fr/c'd.
Suite de la ligne #sans titre, 5 * 3 = 15, a_b_c et ~~barré~~.
#hashtag, pas un titre

- un
- deux **fort**
  - imbriqué \`x\`

- trois, liste aérée
1. premier
2. second

| Poste | Masse |
|:------|------:|
| Coque | 1 420 kg |
| **Pont** | 980 kg |

Texte avant un tableau
| A | B |
|---|---|
| 1 | 2 |

\`\`\`python
def f(x):
    """Une chaîne ouverte
    sur deux lignes"""
    return {"é": x}  # fin

\`\`\`
> Citation « simple »
suite paresseuse

### Sous-titre tardif

Voici :
- liste collée
---
***gras et italique***

![image](https://exemple.fr/i.png) et [![logo](x.png)](https://exemple.fr)

<script>alert(1)</script> [x](javascript:alert(1))

    bloc indenté

~~~
tildes
~~~
[ref]: https://exemple.fr "pas une référence"

- [ ] à faire
- [x] fait **vite**

Une note[^1], une autre[^deux] et $a_1 * b_1$ à 5 $ pièce, $10 and $20, \\(x^2\\) ; $$y$$ encore.
Puis :
$$
E = mc^2
- a * b
$$
suite[^1]

\\[ a_1 \\]

$$ sans fin
- ni but

[^1]: La *note*
  sur deux lignes
[^deux]: L’autre

Fin... avec **gras non fermé et \`code non fermé`;
