/** Would two entries inject the same pod? */
import type { Labels } from '../../../base/selector.ts'
import { isOurEntry, titleOf } from '../../installed/configurations.ts'
import { reapply } from '../advice.ts'
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { Injector } from '../overlap.ts'
import { injectorsIn, isConditional, labelsFor, labelsText, matches } from '../overlap.ts'
import type { Namespace, World } from '../world.ts'

/** Namespaces named in one sentence; there may be thousands. */
const MAX_NAMED = 5

type Seen = Pick<World, 'plan' | 'configurations' | 'namespaces'>

export const overlaps = check({
  name: 'overlapping injectors',
  reads: ['plan', 'configurations', 'namespaces'],
  *run(world) {
    const all = injectorsIn(world.configurations)
    const found = new Map<string, Overlap>()
    for (const [i, first] of all.entries()) {
      for (const second of all.slice(i + 1)) {
        const common = commonPods(first, second, world.namespaces)
        if (common === undefined) continue
        const isSure = ![first, second].some(({ entry }) => isConditional(entry))
        const key = JSON.stringify(
          [first, second].map(({ configuration }) => configuration.metadata.name).concat(String(isSure)),
        )
        const { places } = found.get(key) ?? { places: [] }
        found.set(key, { pair: [first, second], places: [...places, common], isSure })
      }
    }
    for (const overlap of found.values()) yield findingOf(overlap, world)
  },
})

/** All that two configurations have in common, in one finding. */
interface Overlap {
  readonly pair: readonly [Injector, Injector]
  readonly places: readonly Common[]
  /** False: conditions may tell them apart. */
  readonly isSure: boolean
}

interface Common {
  readonly text: string
  /** What concerns pods without any label in a namespace that is there comes first. */
  readonly rank: number
}

/** Pods that both entries select, described; undefined when there can be none. */
function commonPods(a: Injector, b: Injector, namespaces: readonly Namespace[]): Common | undefined {
  const pod = labelsFor([a.entry.objectSelector, b.entry.objectSelector])
  const selectors = [a.entry.namespaceSelector, b.entry.namespaceSelector]
  const future = labelsFor(selectors)
  if (pod === undefined || future === undefined) return undefined
  const lasting = namespaces.filter(({ status }) => status?.phase !== 'Terminating')
  const present = lasting.filter(({ metadata }) => selectors.every((one) => matches(one, metadata.labels ?? {})))
  const isPresent = present.length > 0
  const rank = (isPresent ? 0 : 2) + (Object.keys(pod).length === 0 ? 0 : 1)
  return { text: `${podText(pod)} in ${isPresent ? named(present) : futureText(future)}`, rank }
}

const podText = (labels: Labels): string =>
  Object.keys(labels).length === 0 ? 'pods' : `pods labelled ${labelsText(labels)}`

const futureText = (labels: Labels): string =>
  Object.keys(labels).length === 0 ? 'any namespace' : `a namespace labelled ${labelsText(labels)} (there is none yet)`

function named(namespaces: readonly Namespace[]): string {
  const names = namespaces.slice(0, MAX_NAMED).map(({ metadata }) => metadata.name)
  const rest = namespaces.length - names.length
  return `${names.length === 1 ? 'namespace' : 'namespaces'} ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function findingOf({ pair, places, isSure }: Overlap, world: Seen): Finding {
  const ours = pair.filter(({ configuration, entry }) => isOurEntry(entry, configuration, world.plan))
  const [first, second] = pair.map(({ configuration }) => titleOf(configuration))
  const sorted = [...places].sort((a, b) => a.rank - b.rank)
  const where = [...new Set(sorted.map(({ text }) => text))].join('; ')
  const subject = first === second ? `${first}` : `${first} and ${second}`
  if (!isSure) {
    const message = `both select ${where}, unless matchConditions (${conditionsOf(pair)}) tell them apart`
    return { code: 'INJECTORS_MAY_OVERLAP', subject, message, next: separate(pair, undefined) }
  }
  if (ours.length === 2) {
    return {
      code: 'ENTRIES_OVERLAP',
      subject,
      message: `two entries select ${where}`,
      next: reapply(world, 'webhooks'),
    }
  }
  const message = `both select ${where}. docs/take-over.md tells how a namespace goes from one to the other`
  return { code: 'INJECTORS_OVERLAP', subject, message, next: separate(pair, ours[0]) }
}

const conditionsOf = (pair: readonly Injector[]): string =>
  pair.flatMap(({ entry: { matchConditions = [] } }) => matchConditions.map(({ name }) => name)).join(', ')

/** One of the two goes: ours, which can come back at any time. Which of two foreign ones is not ours to say. */
function separate(pair: readonly Injector[], ours: Injector | undefined): string {
  const verb = ours === undefined ? 'get' : 'delete'
  const names = (ours === undefined ? pair : [ours]).map(({ configuration }) => configuration.metadata.name)
  return `kubectl ${verb} mutatingwebhookconfiguration ${[...new Set(names)].join(' ')}${ours === undefined ? ' -o yaml' : ''}`
}
