/** Answers "which hosts overlap" for long lists without comparing each with each. */

export interface HostIndex {
  /** Index of each exact host, the first when it stands twice. */
  readonly exact: ReadonlyMap<string, readonly number[]>
  /** What is behind the star of each wildcard -> its indexes. */
  readonly wildcards: ReadonlyMap<string, readonly number[]>
  /** Lengths of those remainders, so that only such suffixes are looked up. */
  readonly lengths: readonly number[]
}

export function indexHosts(hosts: readonly string[]): HostIndex {
  const exact = new Map<string, number[]>()
  const wildcards = new Map<string, number[]>()
  for (const [i, host] of hosts.entries()) {
    const [map, key] = host.startsWith('*') ? [wildcards, host.slice(1)] : [exact, host]
    const known = map.get(key)
    if (known === undefined) map.set(key, [i])
    else known.push(i)
  }
  return { exact, wildcards, lengths: [...new Set([...wildcards.keys()].map((rest) => rest.length))] }
}

/** Indexes of the wildcards that cover `host`, itself included when it is one of them. */
export function* wildcardsCovering(host: string, { wildcards, lengths }: HostIndex): Iterable<number> {
  const body = host.startsWith('*') ? host.slice(1) : host
  for (const length of lengths) {
    if (length <= body.length) yield* wildcards.get(body.slice(body.length - length)) ?? []
  }
}

/** Pairs (i, j), i < j, of hosts that match each other: equal ones, and those a wildcard covers. */
export function* overlappingPairs(hosts: readonly string[]): Iterable<readonly [number, number]> {
  if (new Set(hosts).size === hosts.length && !hosts.some((host) => host.startsWith('*'))) return
  const hostIndex = indexHosts(hosts)
  for (const [j, host] of hosts.entries()) {
    if (!host.startsWith('*')) {
      for (const i of hostIndex.exact.get(host) ?? []) if (i < j) yield [i, j]
    }
    for (const i of wildcardsCovering(host, hostIndex)) {
      if (i === j) continue
      // Two equal wildcards cover each other; report the pair once.
      if (hosts[i] === host && i > j) continue
      yield i < j ? [i, j] : [j, i]
    }
  }
}

/** Whether `host` lies inside one of the hosts of the index. */
export function isCovered(host: string, hostIndex: HostIndex): boolean {
  if (!host.startsWith('*') && hostIndex.exact.has(host)) return true
  for (const _ of wildcardsCovering(host, hostIndex)) return true
  return false
}
