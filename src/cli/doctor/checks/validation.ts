/** Is a mesh resource that must be refused refused, by us, and in time? */
import type { Entry } from '../../installed/configurations.ts'
import { isOurEntry, titleOf } from '../../installed/configurations.ts'
import { logs } from '../advice.ts'
import { check } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { Probe, World } from '../world.ts'
import type { Failure } from './reachability.ts'
import { blocked, judgeCall } from './reachability.ts'

type Seen = Pick<World, 'plan' | 'configurations' | 'provider' | 'deployment'>

const DEFAULT_TIMEOUT_SECONDS = 10

export const validation = check({
  name: 'validation',
  reads: ['plan', 'configurations', 'validationProbes', 'provider', 'deployment'],
  *run(world) {
    for (const probe of world.validationProbes) {
      const finding = judge(probe, world)
      if (finding !== undefined) yield finding
    }
  },
})

function judge(probe: Probe, world: Seen): Finding | undefined {
  const { configuration, namespace, tookMs, outcome } = probe
  const ours = configuration.webhooks.filter((entry) => isOurEntry(entry, configuration, world.plan))
  const entry = ours[0] ?? { name: configuration.metadata.name, clientConfig: {} }
  const limitMs = (entry.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000
  const failure = { configuration, entry, words: outcome.is === 'refused' ? outcome.words : '' }
  if (outcome.is === 'created') {
    if (tookMs >= limitMs) return blocked({ ...failure, words: `no answer within ${limitMs / 1000} s` }, world)
    return skipped(failure, namespace)
  }
  if (!ours.some(({ name }) => isDenialOf(name, outcome.words))) return refusedOtherwise(failure, world)
  return tookMs <= limitMs / 2 ? undefined : slow(failure, tookMs, { limitMs, world })
}

/** Kubernetes: a denial names the entry that it came from. */
const isDenialOf = (entry: string, words: string): boolean =>
  words.includes(`admission webhook "${entry}" denied the request`)

const subjectOf = ({ configuration, entry }: Failure): string => `${titleOf(configuration)} ${entry.name}`

function skipped(failure: Failure, namespace: string): Finding {
  const conditions = namesOfConditions(failure.entry)
  const why = conditions === '' ? 'its rules or selectors, or failurePolicy Ignore,' : `matchConditions (${conditions})`
  return {
    code: 'VALIDATION_SKIPPED',
    subject: subjectOf(failure),
    message: `a Gateway in namespace ${namespace} that must be refused was accepted: ${why} let it pass`,
    next: `kubectl get ${titleOf(failure.configuration).replace('/', ' ')} -o yaml`,
  }
}

const namesOfConditions = ({ matchConditions = [] }: Entry): string =>
  matchConditions.map(({ name }) => name).join(', ')

function slow(failure: Failure, tookMs: number, { limitMs, world }: { limitMs: number; world: Seen }): Finding {
  const message = `a Gateway took ${(tookMs / 1000).toFixed(1)} s of ${limitMs / 1000}`
  return { code: 'WEBHOOK_SLOW', subject: subjectOf(failure), message, next: logs(world) }
}

function refusedOtherwise(failure: Failure, world: Seen): Finding | undefined {
  const other = /admission webhook "([^"]+)" denied the request|failed calling webhook "([^"]+)"/.exec(failure.words)
  const name = other?.[1] ?? other?.[2]
  const isOurs = failure.configuration.webhooks.some((entry) => entry.name === name)
  if (isOurs && other?.[2] !== undefined) return judgeCall(failure, world)
  return {
    code: 'VALIDATION_UNPROVEN',
    subject: subjectOf(failure),
    message: `a Gateway made for show was refused before it came here: ${failure.words}`,
    next: 'kubectl get validatingwebhookconfiguration,validatingadmissionpolicy',
  }
}
