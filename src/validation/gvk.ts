/** apiVersion, taken apart as Kubernetes does. */

export interface GroupVersion {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
}

export function parseApiVersion(apiVersion: string): GroupVersion {
  const slash = apiVersion.indexOf('/')
  return slash === -1
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}
