/** EnvoyFilters: operations that depend on the order of others. */
import type { Analyzer } from '../analyze.ts'
import type { Message } from '../messages.ts'
import { message } from '../messages.ts'
import { bagOf, bagsOf, numberOf, textOf } from '../read.ts'

const REPLACEABLE: ReadonlySet<string> = new Set(['NETWORK_FILTER', 'HTTP_FILTER', 'VIRTUAL_HOST'])
const WHOLE: ReadonlySet<string> = new Set(['ROUTE_CONFIGURATION', 'HTTP_ROUTE'])
const RELATIVE: ReadonlySet<string> = new Set(['REMOVE', 'REPLACE', 'INSERT_BEFORE', 'INSERT_AFTER'])
const RELATIVE_TEXT =
  'This EnvoyFilter does not have a priority and has a relative patch operation set which can cause the EnvoyFilter not to be applied. Using the INSERT_FIRST of ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.'
const VERSION_TEXT =
  'This EnvoyFilter does not have a priority and has a relative patch operation (NSTERT_BEFORE/AFTER, REPLACE, MERGE, DELETE) and proxyVersion set which can cause the EnvoyFilter not to be applied during an upgrade. Using the INSERT_FIRST or ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.'

/** istiod: goes by the order of the list, and two patches whose value has no name count as equal. */
export const patchOperations: Analyzer = {
  name: 'envoyfilter.operations',
  inputs: ['EnvoyFilter'],
  *analyze(world): Iterable<Message> {
    const versioned = new Set<string>()
    for (const resource of world.all('EnvoyFilter')) {
      const relative = numberOf(resource.spec['priority']) === 0
      for (const { applyTo, match, patch } of bagsOf(resource.spec['configPatches'])) {
        const operation = textOf(bagOf(patch)['operation'])
        const filter = textOf(bagOf(bagOf(patch)['value'])['name'])
        const place = textOf(applyTo)
        if (operation === 'REPLACE' && !REPLACEABLE.has(place)) {
          yield message('IST0152', resource, 'The REPLACE operation is only valid for HTTP_FILTER and NETWORK_FILTER.')
        } else if (operation === 'ADD' && WHOLE.has(place)) {
          yield message('IST0153', resource, `The ADD operation will be ignored when applyTo is set to ${place}.`)
        } else if (operation === 'REMOVE' && WHOLE.has(place)) {
          yield message('IST0154', resource, `The REMOVE operation will be ignored when applyTo is set to ${place}.`)
        } else if (relative && RELATIVE.has(operation)) {
          const known = versioned.has(filter)
          yield message(known ? 'IST0155' : 'IST0151', resource, known ? VERSION_TEXT : RELATIVE_TEXT)
        }
        if (textOf(bagOf(bagOf(match)['proxy'])['proxyVersion']) !== '') versioned.add(filter)
      }
    }
  },
}
