/** Names of the proxy's and the init container's image. */

export interface ImageParts {
  readonly hub: string
  readonly name: string
  readonly tag: string
  /** `debug`, `distroless`, `default` or any other text; empty leaves the tag alone. */
  readonly type: string
}

const KNOWN_TYPE_SUFFIX = /-(?:distroless|debug)$/

/** `hub/name:tag`, the tag carrying the image type. istiod: unknown types are appended unchecked. */
export function imageUrl({ hub, name, tag, type }: ImageParts): string {
  return `${hub}/${name}:${typedTag(tag, type)}`
}

function typedTag(tag: string, type: string): string {
  if (type === '') return tag
  const bare = tag.replace(KNOWN_TYPE_SUFFIX, '')
  return type === 'default' ? bare : `${bare}-${type}`
}
