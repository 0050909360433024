// How people and the changes of a release are said to people, in a terminal and on a page.

/** Who acted, and for whom. */
interface Acted {
  readonly actor: string;
  readonly onBehalfOf?: string | null;
}

interface ChangedImage {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

interface Changed {
  readonly images: readonly ChangedImage[];
}

/** Who acted: the person, and in brackets what acted for them. */
export function actorOf({ actor, onBehalfOf }: Acted): string {
  return onBehalfOf === undefined || onBehalfOf === null || onBehalfOf === actor ? actor : `${onBehalfOf} (${actor})`;
}

/** Images with their versions: `django V4.2, mariadb V10.11`. */
export function versionsOf(images: readonly Pick<ChangedImage, 'name' | 'version'>[]): string {
  return images.map(({ name, version }) => `${name} ${version}`).join(', ');
}

/** What a release changed against the one before, in a line: `django V4.0 → V4.2`. */
export function changesOf(record: Changed, before: Changed | undefined): string {
  if (!before) return versionsOf(record.images);
  const changed = record.images.flatMap(({ name, version, digest }) => {
    const old = before.images.find((image) => image.name === name);
    if (!old) return [`${name} → ${version}`];
    return old.digest === digest ? [] : [`${name} ${old.version} → ${version}`];
  });
  const gone = before.images.filter(({ name }) => record.images.every((image) => image.name !== name));
  const all = [...changed, ...gone.map(({ name, version }) => `${name} ${version} → none`)];
  return all.length > 0 ? all.join(', ') : 'configuration only';
}

/** Who changed the gates of a line, in which commit of the trunk and when. */
export function changerOf({ commit, author, time }: Record<'commit' | 'author' | 'time', string>): string {
  return `by ${author} in ${commit}, ${time.slice(0, 16).replace('T', ' ')}Z`;
}
