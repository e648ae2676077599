/** ServiceEntries: addresses, and protocols on which they do not agree. */
import type { Analyzer } from '../analyze.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import { bagOf, bagsOf, listOf, numberOf, textOf, textsOf } from '../read.ts'
import type { Resource, World } from '../world.ts'

export const addressesRequired: Analyzer = {
  name: 'serviceentry.addresses',
  inputs: ['ServiceEntry'],
  *analyze(world): Iterable<Message> {
    if (allocatesByProxy(world)) return
    for (const resource of world.all('ServiceEntry')) {
      const allocated = listOf(bagOf(resource.object['status'])['addresses'])
      if (textsOf(resource.spec['addresses']).length > 0 || allocated.length > 0) continue
      for (const [i, { protocol }] of bagsOf(resource.spec['ports']).entries()) {
        if (textOf(protocol) !== '' && textOf(protocol).toUpperCase() !== 'TCP') continue
        const text = 'ServiceEntry addresses are required for this protocol.'
        yield message('IST0134', resource, text, `spec.ports[${i}].name`)
      }
    }
  },
}

function allocatesByProxy({ mesh }: World): boolean {
  const metadata = bagOf(bagOf(mesh['defaultConfig'])['proxyMetadata'])
  const isOn = (name: string): boolean => metadata[name] === 'true' || metadata[name] === true
  return (
    isOn('ISTIO_META_DNS_CAPTURE') && (isOn('ISTIO_META_DNS_AUTO_ALLOCATE') || isOn('PILOT_ENABLE_IP_AUTOALLOCATE'))
  )
}

export const conflictingProtocols: Analyzer = {
  name: 'serviceentry.protocols',
  inputs: ['ServiceEntry'],
  *analyze(world): Iterable<Message> {
    const claims = new Map<string, { resource: Resource; protocol: string; host: string; port: number }[]>()
    for (const resource of world.all('ServiceEntry')) {
      for (const host of textsOf(resource.spec['hosts'])) {
        for (const { number, protocol } of bagsOf(resource.spec['ports'])) {
          const port = numberOf(number)
          const id = `${host}\n${port}`
          claims.set(id, [
            ...(claims.get(id) ?? []),
            { resource, protocol: textOf(protocol).toUpperCase(), host, port },
          ])
        }
      }
    }
    for (const list of claims.values()) {
      const inConflict = list.filter((a) =>
        list.some((b) => a.protocol !== b.protocol && seeEachOther(a.resource, b.resource)),
      )
      const names = [...new Set(inConflict.map(({ resource }) => resource.fullName))].sort().join(', ')
      for (const { resource, host, port } of inConflict) {
        const text = `Multiple ServiceEntries (${names}) define the same host ${host} and port ${port} with different protocols.`
        yield message('IST0177', resource, text, 'metadata.name')
      }
    }
  },
}

/** Some namespace sees both. */
function seeEachOther(a: Resource, b: Resource): boolean {
  const [left, right] = [scopesOf(a), scopesOf(b)]
  return left.has('*') ? right.size > 0 : right.has('*') || [...left].some((scope) => right.has(scope))
}

function scopesOf({ spec, namespace }: Resource): ReadonlySet<string> {
  const exported = textsOf(spec['exportTo'])
  if (exported.length === 0) return new Set(['*'])
  return new Set(exported.filter((scope) => scope !== '~').map((scope) => (scope === '.' ? namespace : scope)))
}
