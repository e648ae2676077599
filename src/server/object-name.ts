/** What an object is called in a line about it. */

interface Names {
  readonly name?: unknown
  readonly generateName?: unknown
}

/** Name, or the prefix the API server will complete after we have answered; empty when there is neither. */
export function objectName(object: unknown): string {
  const metadata = (object as Partial<{ metadata: Names | null }> | null | undefined)?.metadata
  if (typeof metadata?.name === 'string' && metadata.name !== '') return metadata.name
  return typeof metadata?.generateName === 'string' ? `${metadata.generateName}***` : ''
}
