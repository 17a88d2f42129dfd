"""What is in a file that somebody attached? Its kind by its content, and its text by pages.

`reader` is for the rest of the program, and `pictures`, which decodes nothing. All other modules run in the child that
`reader` starts, in which they load nothing of the web side: `child` → `kinds` → one module a family of formats, as
small as it may be, since the child loads one only → `sections`, `archives`.
"""
