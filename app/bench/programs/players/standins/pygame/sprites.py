"""Stand-in for pygame's sprites and their groups."""

from collections.abc import Callable, Iterator
from typing import Any

from app.bench.programs.players.standins.beyond import Told


class Sprite:
    """Something with an `image` and a `rect`."""

    def __init__(self, *groups: Any) -> None:
        self._groups: list[Group] = []
        self.add(*groups)

    def add(self, *groups: Any) -> None:
        for group in groups:
            group.add(self)

    def groups(self) -> list["Group"]:
        return list(self._groups)

    def kill(self) -> None:
        for group in self.groups():
            group.remove(self)

    def alive(self) -> bool:
        return bool(self._groups)

    def update(self, *_: Any, **__: Any) -> None:
        """For the program's own classes to fill."""


class Group(Told):
    """Sprites that are drawn together."""

    def __init__(self, *sprites: Any) -> None:
        self._sprites: list[Any] = []
        self.add(*sprites)

    def add(self, *sprites: Any) -> None:
        for sprite in sprites:
            for one in sprite if isinstance(sprite, list | tuple | Group) else (sprite,):
                if one not in self._sprites:
                    self._sprites.append(one)
                    one._groups.append(self)

    def remove(self, *sprites: Any) -> None:
        for sprite in sprites:
            if sprite in self._sprites:
                self._sprites.remove(sprite)
                sprite._groups.remove(self)

    def empty(self) -> None:
        self.remove(*self.sprites())

    def sprites(self) -> list[Any]:
        return list(self._sprites)

    def update(self, *args: Any, **options: Any) -> None:
        for sprite in self.sprites():
            sprite.update(*args, **options)

    def draw(self, surface: Any, *_: Any) -> None:
        for sprite in self._sprites:
            surface.blit(sprite.image, sprite.rect)

    def has(self, *sprites: Any) -> bool:
        return all(sprite in self._sprites for sprite in sprites)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.sprites())

    def __len__(self) -> int:
        return len(self._sprites)

    def __contains__(self, sprite: Any) -> bool:
        return sprite in self._sprites


class GroupSingle(Group):
    """A group of one."""

    def add(self, *sprites: Any) -> None:
        for sprite in sprites:
            self.empty()
            super().add(sprite)

    @property
    def sprite(self) -> Any:
        return self._sprites[0] if self._sprites else None


def collide_rect(left: Any, right: Any) -> bool:
    return bool(left.rect.colliderect(right.rect))


def _collide(
    sprite: Any, group: Any, dokill: Any = False, collided: Callable[[Any, Any], Any] | None = None
) -> list[Any]:
    hit = [one for one in group if (collided or collide_rect)(sprite, one)]
    for one in hit if dokill else ():
        one.kill()
    return hit


def _collide_any(sprite: Any, group: Any, collided: Callable[[Any, Any], Any] | None = None) -> Any:
    return next(iter(_collide(sprite, group, False, collided)), None)


SPRITE: dict[str, Any] = {
    "Sprite": Sprite,
    **dict.fromkeys(("Group", "RenderUpdates", "RenderPlain", "OrderedUpdates", "LayeredUpdates"), Group),
    "GroupSingle": GroupSingle,
    "collide_rect": collide_rect,
    "spritecollide": _collide,
    "spritecollideany": _collide_any,
}
